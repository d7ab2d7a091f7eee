package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

// A follower is a line of `wxgate followers`. Its fields have WeChat's names. A
// user without details has an openid only.
type follower struct {
	OpenID         string    `json:"openid"`
	UnionID        string    `json:"unionid,omitzero"`
	Subscribed     *bool     `json:"subscribed,omitzero"`
	SubscribeTime  time.Time `json:"subscribe_time,omitzero"` // RFC 3339
	SubscribeScene string    `json:"subscribe_scene,omitzero"`
	Remark         string    `json:"remark,omitzero"`
	TagIDs         []int     `json:"tagid_list,omitzero"`
	QRScene        int64     `json:"qr_scene,omitzero"`
	QRSceneStr     string    `json:"qr_scene_str,omitzero"`
}

// followerOf returns the line of a follower; u is nil if there are no details.
func followerOf(openID string, u *wechat.User) follower {
	if u == nil {
		return follower{OpenID: openID}
	}
	f := follower{
		OpenID:         openID,
		UnionID:        u.UnionID,
		Subscribed:     new(u.Subscribed),
		SubscribeScene: u.SubscribeScene,
		Remark:         u.Remark,
		TagIDs:         u.TagIDs,
		QRScene:        u.QRScene,
		QRSceneStr:     u.QRSceneStr,
	}
	if !u.SubscribeTime.IsZero() {
		f.SubscribeTime = u.SubscribeTime.UTC()
	}
	return f
}

// csvHeader returns the names of the columns.
func csvHeader(details bool) []string {
	if !details {
		return []string{"openid"}
	}
	return []string{
		"openid", "unionid", "subscribed", "subscribe_time", "subscribe_scene",
		"remark", "tagid_list", "qr_scene", "qr_scene_str",
	}
}

// fields returns the follower's columns, in the order of csvHeader.
func (f follower) fields(details bool) []string {
	if !details {
		return []string{f.OpenID}
	}
	subscribed, since, scene := "", "", ""
	if f.Subscribed != nil {
		subscribed = strconv.FormatBool(*f.Subscribed)
	}
	if !f.SubscribeTime.IsZero() {
		since = f.SubscribeTime.Format(time.RFC3339)
	}
	if f.QRScene != 0 {
		scene = strconv.FormatInt(f.QRScene, 10)
	}
	tags := strings.Trim(fmt.Sprint(f.TagIDs), "[]")
	return []string{
		f.OpenID, f.UnionID, subscribed, since, f.SubscribeScene,
		f.Remark, tags, scene, f.QRSceneStr,
	}
}

// flushBytes is how much is collected before it is written. Only whole lines are
// written, so that a run that is killed leaves no partial one.
const flushBytes = 32 << 10

// followerLines writes followers, one a line.
type followerLines struct {
	printed int // followers written so far

	to      io.Writer
	pending bytes.Buffer // whole lines that are not written yet
	waiting int          // followers in pending
	encode  func(follower) error
}

// newFollowerLines returns a writer of the format ndjson or csv. A CSV has a
// header if the list is printed from its start: the output of a run that
// continues it is appended.
func newFollowerLines(to io.Writer, format string, details, header bool) *followerLines {
	l := &followerLines{to: to}
	if format == "csv" {
		w := csv.NewWriter(&l.pending)
		write := func(fields []string) error {
			w.Write(fields)
			w.Flush()
			return w.Error()
		}
		if header {
			write(csvHeader(details)) // cannot fail: it writes to memory
		}
		l.encode = func(f follower) error { return write(f.fields(details)) }
		return l
	}
	w := json.NewEncoder(&l.pending)
	w.SetEscapeHTML(false)
	l.encode = func(f follower) error { return w.Encode(f) }
	return l
}

// write adds a line, and writes all pending ones if they are enough.
func (l *followerLines) write(openID string, u *wechat.User) error {
	if err := l.encode(followerOf(openID, u)); err != nil {
		return err
	}
	l.waiting++
	if l.pending.Len() >= flushBytes {
		return l.flush()
	}
	return nil
}

// flush writes the pending lines.
func (l *followerLines) flush() error {
	if l.pending.Len() == 0 {
		return nil
	}
	n, err := l.to.Write(l.pending.Bytes())
	if err != nil {
		l.printed += bytes.Count(l.pending.Bytes()[:n], []byte("\n"))
		l.pending.Reset()
		l.waiting = 0
		return fmt.Errorf("print followers: %w", err)
	}
	l.printed += l.waiting
	l.pending.Reset()
	l.waiting = 0
	return nil
}
