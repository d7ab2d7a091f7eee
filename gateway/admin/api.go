package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/wechat"
)

// api serves the paths that require the bearer token.
type api struct {
	token  [sha256.Size]byte // hashed, so that the time of a comparison does not reveal its length
	tokens []*wechat.TokenSource
	logger zerolog.Logger
	mux    *http.ServeMux

	revocations Revocations // nil: there are none
}

func newAPI(c Config) *api {
	a := &api{
		token:  sha256.Sum256([]byte(c.Token.Reveal())),
		tokens: c.Tokens,
		logger: c.Logger,
		mux:    http.NewServeMux(),

		revocations: c.Revocations,
	}
	a.mux.HandleFunc("/v1/access_token", only(http.MethodGet, a.accessToken))
	a.mux.HandleFunc("/v1/revoke", only(http.MethodPost, a.revoke))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refusal.NotFound().WriteJSON(w, rand.Text())
	})
	return a
}

// only makes an endpoint answer other methods with 405. HEAD counts as GET.
func only(method string, endpoint http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", method)
			refusal.MethodNotAllowed().WriteJSON(w, rand.Text())
			return
		}
		endpoint(w, r)
	}
}

// ServeHTTP implements [http.Handler]. Without the token, the response to every path
// is the same. A browser is refused even with the token, which must not get into one.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case headers.FromBrowser(r.Header):
		refusal.NotForBrowsers("The admin API").WriteJSON(w, rand.Text())
		return
	case !a.authorized(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		e := refusal.Unauthorized("")
		e.Message = "The admin API requires its bearer token."
		e.WriteJSON(w, rand.Text())
		return
	}
	a.mux.ServeHTTP(w, r)
}

// authorized reports whether r has the bearer token.
func (a *api) authorized(r *http.Request) bool {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 {
		return false
	}
	scheme, bearer, _ := strings.Cut(lines[0], " ")
	given := sha256.Sum256([]byte(strings.TrimLeft(bearer, " ")))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(given[:], a.token[:]) == 1
}

// accessToken serves an account's access token, so that other programs do not fetch
// their own. The query's appid selects one of several accounts.
func (a *api) accessToken(w http.ResponseWriter, r *http.Request) {
	tokens, ok := a.tokensOf(r.URL.Query())
	if !ok {
		e := refusal.InvalidRequest(nil)
		e.Message = "The query must name an account of this gateway: /v1/access_token?appid=…"
		e.WriteJSON(w, rand.Text())
		return
	}
	token, err := tokens.Token(r.Context())
	if err != nil {
		e, id := refusal.WeChat(err), rand.Text()
		e.Log(a.logger, id)
		e.WriteJSON(w, id)
		return
	}
	refusal.WriteJSON(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds left
	}{token.AccessToken.Reveal(), int(token.ExpiresIn.Seconds())})
}

// tokensOf returns the token source of the account that the query names, or of the
// only account if it names none.
func (a *api) tokensOf(query url.Values) (*wechat.TokenSource, bool) {
	appID := query.Get("appid")
	if appID == "" && len(a.tokens) == 1 {
		return a.tokens[0], true
	}
	for _, tokens := range a.tokens {
		if tokens.Client.AppID == appID {
			return tokens, true
		}
	}
	return nil, false
}
