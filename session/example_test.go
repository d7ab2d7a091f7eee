package session_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/wxgate/wxgate/session"
)

// A site saves the session when a login succeeds and loads it on every request.
func Example() {
	store, err := session.NewCookieStore(session.Config{
		Keys:     session.Keys{[]byte("32 random bytes or more, kept secret")},
		Site:     "https://h5.example.com",
		AppID:    "wx0123456789abcdef",
		Secure:   true,
		Lifetime: session.Lifetime{TTL: 24 * time.Hour, MaxTTL: 30 * 24 * time.Hour},
	})
	if err != nil {
		log.Fatal(err)
	}
	callback := func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		s := &session.Session{AppID: "wx0123456789abcdef", OpenID: "oLihua", IssuedAt: now, RenewedAt: now}
		if err := store.Save(r, w.Header(), s); err != nil {
			http.Error(w, "session not saved", http.StatusInternalServerError)
		}
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Load(r)
		if errors.Is(err, session.ErrNone) {
			fmt.Fprint(w, "please sign in")
			return
		}
		if err != nil { // a store that is not available; not of a CookieStore
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "hello %s", s.OpenID)
	}

	signedIn := httptest.NewRecorder()
	callback(signedIn, httptest.NewRequest("GET", "/callback", nil))
	cookie := signedIn.Result().Cookies()[0]

	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	page(first, r)
	r.AddCookie(cookie)
	page(second, r)

	fmt.Println("without a cookie:", first.Body)
	fmt.Printf("with %s: %s\n", cookie.Name, second.Body)
	// Output:
	// without a cookie: please sign in
	// with __Host-wxgate: hello oLihua
}
