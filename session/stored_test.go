package session_test

import (
	"bytes"
	"crypto/rand"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

// A storedCookie is a file of testdata: one cookie and what is inside. The files
// are never made again: what they hold is in browsers.
type storedCookie struct {
	About    string
	Keys     session.Keys
	Site     string
	AppID    string
	Cookie   string // its name
	Value    string
	Former   string // in a form that is read, but no longer written; may be empty
	SealedAt time.Time
	IV       string   // hexadecimal: the random bytes of the encryption
	Form     []string // the encrypted bytes, part by part: what it is, then hexadecimal
	Session  *session.Session
	Login    *session.Login
}

// read reads the file of testdata into v.
func read(t *testing.T, file string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func (c *storedCookie) config() session.Config {
	return session.Config{
		Keys: c.Keys, Site: c.Site, AppID: c.AppID, Secure: true,
		Lifetime: session.Lifetime{TTL: 2 * time.Hour, MaxTTL: 10 * time.Hour},
	}
}

func (c *storedCookie) request() *http.Request {
	return request(&http.Cookie{Name: c.Cookie, Value: c.Value})
}

// atSealing calls test at the time of sealing, with c's random bytes as the only
// ones. It replaces the process's source of them, so its caller is not parallel.
func (c *storedCookie) atSealing(t *testing.T, test func(t *testing.T)) {
	iv := unhex(t, c.IV)
	synctest.Test(t, func(t *testing.T) {
		source := rand.Reader
		defer func() { rand.Reader = source }()
		rand.Reader = bytes.NewReader(iv)
		time.Sleep(time.Until(c.SealedAt))
		test(t)
	})
}

// checkForm checks that value is written as c's form and that the form is read
// into empty as value.
func (c *storedCookie) checkForm(t *testing.T, value encoding.BinaryMarshaler, empty encoding.BinaryUnmarshaler) {
	t.Helper()
	var form []byte
	for _, part := range c.Form {
		form = append(form, unhex(t, part[strings.LastIndex(part, " ")+1:])...)
	}
	if got, err := value.MarshalBinary(); err != nil || !bytes.Equal(got, form) {
		t.Errorf("written as %x (%v), want %x", got, err, form)
	}
	if err := empty.UnmarshalBinary(form); err != nil {
		t.Fatalf("the form is not read: %v", err)
	}
	if diff := cmp.Diff(value, any(empty)); diff != "" {
		t.Errorf("the form is read differently (-want +got):\n%s", diff)
	}
}

// checkCookie checks that header sets c's cookie, to the byte.
func (c *storedCookie) checkCookie(t *testing.T, header http.Header) {
	t.Helper()
	got, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != c.Cookie || got.Value != c.Value {
		t.Errorf("sealed as %s=%s, want %s=%s", got.Name, got.Value, c.Cookie, c.Value)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Cookies that visitors have keep their meaning, and new ones can be read by
// the replicas of the release before.
func TestStoredSessions(t *testing.T) {
	for _, file := range []string{"session-v1.json", "session-v2.json", "session-v3.json"} {
		t.Run(file, func(t *testing.T) {
			var c storedCookie
			read(t, file, &c)
			c.checkForm(t, c.Session, new(session.Session))
			c.atSealing(t, func(t *testing.T) {
				store := newStore(t, c.config())
				got, err := store.Load(c.request())
				if err != nil {
					t.Fatalf("Load: %v", err)
				}
				if diff := cmp.Diff(c.Session, got); diff != "" {
					t.Errorf("loaded differently (-want +got):\n%s", diff)
				}
				header := make(http.Header)
				if err := store.Save(nil, header, c.Session); err != nil {
					t.Fatal(err)
				}
				c.checkCookie(t, header)
			})
		})
	}
}

// Records in Redis keep their meaning too. What no cookie may hold is put into none.
func TestStoredToken(t *testing.T) {
	t.Parallel()
	var c storedCookie
	read(t, "session-v3-token.json", &c)
	c.checkForm(t, c.Session, new(session.Session))
	header := make(http.Header)
	if err := newStore(t, config()).Save(nil, header, c.Session); err == nil || len(header) > 0 {
		t.Errorf("Save of a session with a Token in a cookie = %v, header %v, want an error and no cookie", err, header)
	}
}

func TestStoredLogins(t *testing.T) {
	for _, file := range []string{"login-v1.json", "login-v2.json", "login-v3.json", "login-compact.json"} {
		t.Run(file, func(t *testing.T) {
			var c storedCookie
			read(t, file, &c)
			c.checkForm(t, c.Login, new(session.Login))
			c.atSealing(t, func(t *testing.T) {
				logins, err := session.NewLogins(c.config())
				if err != nil {
					t.Fatal(err)
				}
				for _, value := range slices.DeleteFunc([]string{c.Value, c.Former}, func(v string) bool { return v == "" }) {
					r := request(&http.Cookie{Name: c.Cookie, Value: value})
					got, ok := logins.Find(r, c.Login.State)
					if !ok {
						t.Fatalf("not found in %s", value)
					}
					if diff := cmp.Diff(c.Login, got); diff != "" {
						t.Errorf("found differently in %s (-want +got):\n%s", value, diff)
					}
				}
				header := make(http.Header)
				if err := logins.Begin(request(), header, c.Login); err != nil {
					t.Fatal(err)
				}
				c.checkCookie(t, header)
			})
		})
	}
}
