package redisstore

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/wxgate/wxgate/session"
)

// failureMemory is for how long a kept error is remembered after its pause, so that
// the next pause is longer.
const failureMemory = 15 * time.Minute

// unknownRecord stands for a record that could not be read. It is not one: those are
// longer.
const unknownRecord = "?"

// found is what Redis has of a shared value.
type found struct {
	record  string // encrypted; "": none
	value   Value  // zero: none that can be used
	fetched stamp  // of the value

	failure failure
	paused  time.Duration // for so long nobody fetches
}

// valueRecord is the content of a record. Its expiry is that of the key, so that the
// clocks of the replicas do not matter.
type valueRecord struct {
	Text     string `json:"text"`
	Lifetime int64  `json:"lifetime_ms"`
	Fetched  stamp  `json:"fetched_ms"`
}

// failure is the content of the record of a fetch error.
type failure struct {
	Text  string    `json:"text"`
	Since time.Time `json:"since"` // of the first error without a success in between
}

// valid reports whether the value has not expired and is not stale.
func (f found) valid(need Need) bool {
	return f.value.Left > 0 && f.value.Text != need.Stale
}

// enough reports whether a renewal is not due yet.
func (f found) enough(need Need) bool {
	return f.valid(need) && f.value.Left >= min(need.Early, f.value.Lifetime/2)
}

// result returns what Get returns without a fetch, and false if it must fetch.
func (f found) result(need Need) (Value, error, bool) {
	switch {
	case f.enough(need), f.paused > 0 && f.valid(need):
		return f.value, nil, true
	case f.paused > 0:
		return Value{}, &KeptError{f.failure.Text, f.paused}, true
	}
	return Value{}, nil, false
}

// keys returns the names of the lock, the value and the failure. They have one hash
// tag, so that a script may use all of them in a cluster.
func (s *Shared) keys() []string {
	tag := "{" + s.config.Name + "}"
	return []string{lockKey(s.config.Name), keyPrefix + "value:" + tag, keyPrefix + "failure:" + tag}
}

var lookScript = rueidis.NewLuaScriptRetryable(`
return {
	redis.call("GET", KEYS[2]) or "", redis.call("PTTL", KEYS[2]),
	redis.call("GET", KEYS[3]) or "", redis.call("PTTL", KEYS[3]),
}`)

// look reads the value. A record that cannot be opened counts as none.
func (s *Shared) look(ctx context.Context) (found, error) {
	client, err := s.client.redis()
	if err != nil {
		return found{}, err
	}
	ciphers, err := s.ciphers()
	if err != nil {
		return found{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answer, err := exec(ctx, client, lookScript, s.keys(), nil).ToArray()
	if err != nil {
		return found{}, err
	}
	if len(answer) != 4 {
		return found{}, errMalformed
	}
	var f found
	var value valueRecord
	f.record, err = answer[0].ToString()
	if err == nil && open(ciphers, "value", f.record, &value) == nil && value.Text != "" {
		f.value, f.fetched = Value{value.Text, milliseconds(value.Lifetime), 0}, value.Fetched
		f.value.Left = min(left(answer[1]), f.value.Lifetime)
	}
	if record, err := answer[2].ToString(); err == nil && open(ciphers, "failure", record, &f.failure) == nil {
		f.paused = max(0, left(answer[3])-failureMemory)
	}
	return f, nil
}

// left returns the time until a key expires; 0 if it never does, which wxgate does not
// write.
func left(answer rueidis.RedisMessage) time.Duration {
	ms, err := answer.AsInt64()
	if err != nil {
		return 0
	}
	return max(0, milliseconds(ms))
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// putScript stores a value for the holder of the lock; without a holder, if the former
// value is still there.
var putScript = rueidis.NewLuaScriptRetryable(`
local holder = redis.call("GET", KEYS[1])
if holder ~= ARGV[1] and (holder or (redis.call("GET", KEYS[2]) or "") ~= ARGV[2]) then return 0 end
redis.call("SET", KEYS[2], ARGV[3], "PX", ARGV[4])
redis.call("DEL", KEYS[3])
return 1`)

// put stores a value, and reports false if another caller may store a newer one.
func (s *Shared) put(ctx context.Context, held *lock, former found, value Value, fetched stamp) (bool, error) {
	record, err := s.sealValue(value, fetched)
	if err != nil {
		return false, err
	}
	return s.run(ctx, putScript, held.holder, former.record, record, px(value.Left))
}

var keepScript = rueidis.NewLuaScriptRetryable(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[3], ARGV[2], "PX", ARGV[3])
return 1`)

// keep keeps the error of a fetch, so that the callers who wait do not all fetch.
func (s *Shared) keep(held *lock, former found, fetchError error) {
	now := time.Now()
	kept := failure{Since: former.failure.Since}
	if kept.Since.IsZero() || kept.Since.After(now) {
		kept.Since = now
	}
	var pause time.Duration
	if s.config.Failure != nil {
		kept.Text, pause = s.config.Failure(fetchError, now.Sub(kept.Since))
	}
	if pause <= 0 {
		return
	}
	record, err := s.seal("failure", kept)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockRenewal)
	defer cancel()
	s.run(ctx, keepScript, held.holder, record, px(pause+failureMemory)) // else the others fetch
}

// run runs a script about the value.
func (s *Shared) run(ctx context.Context, script *rueidis.Lua, args ...string) (bool, error) {
	client, err := s.client.redis()
	if err != nil {
		return false, err
	}
	return exec(ctx, client, script, s.keys(), args).AsBool()
}

var (
	errMalformed = errors.New("malformed answer")
	errNoKeys    = errors.New("no cookie keys")
)

// ciphers returns the ciphers of the records, one for each cookie key. They are bound
// to the name.
func (s *Shared) ciphers() ([]cipher.AEAD, error) {
	if len(s.config.Keys) == 0 {
		return nil, errNoKeys
	}
	keys, err := session.Config{Keys: s.config.Keys}.SecretKeys("shared-value", s.config.Name)
	if err != nil {
		return nil, err
	}
	return aeads(keys)
}

// sealValue returns the encrypted record of a value.
func (s *Shared) sealValue(value Value, fetched stamp) (string, error) {
	return s.seal("value", valueRecord{value.Text, value.Lifetime.Milliseconds(), fetched})
}

// seal returns the encrypted record of content.
func (s *Shared) seal(kind string, content any) (string, error) {
	ciphers, err := s.ciphers()
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	return string(ciphers[0].Seal(nil, nil, plain, []byte(kind))), nil
}

// open decrypts a record into content.
func open(ciphers []cipher.AEAD, kind, record string, content any) error {
	plain, err := unseal(ciphers, record, kind)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, content)
}
