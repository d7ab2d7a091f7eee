package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/wechat"
)

// api is what needs the bearer token.
type api struct {
	token  [sha256.Size]byte // hashed, so that a comparison does not tell its length
	tokens *wechat.TokenSource
	logger zerolog.Logger
	mux    *http.ServeMux
}

func newAPI(c Config) *api {
	a := &api{
		token:  sha256.Sum256([]byte(c.Token.Reveal())),
		tokens: c.Tokens,
		logger: c.Logger,
		mux:    http.NewServeMux(),
	}
	a.mux.HandleFunc("GET /v1/access_token", a.accessToken)
	return a
}

// ServeHTTP implements [http.Handler]: whoever lacks the token does not learn
// what there is.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !a.authorized(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		answer.JSON(w, http.StatusUnauthorized, answer.Error{
			Word: "unauthorized", Message: "The admin API needs its bearer token.", RequestID: rand.Text(),
		})
		return
	}
	a.mux.ServeHTTP(w, r)
}

func (a *api) authorized(r *http.Request) bool {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 {
		return false
	}
	scheme, bearer, _ := strings.Cut(lines[0], " ")
	given := sha256.Sum256([]byte(strings.TrimLeft(bearer, " ")))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(given[:], a.token[:]) == 1
}

// accessToken gives out the account's access token, so that other programs
// need not fetch their own.
func (a *api) accessToken(w http.ResponseWriter, r *http.Request) {
	token, err := a.tokens.Token(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	answer.JSON(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds left
	}{token.AccessToken.Reveal(), int(token.ExpiresIn.Seconds())})
}

// fail answers that WeChat gave no token.
func (a *api) fail(w http.ResponseWriter, err error) {
	status, body, mend := answer.WeChat(err)
	body.RequestID = rand.Text()
	level := zerolog.WarnLevel
	if status == http.StatusBadGateway {
		level = zerolog.ErrorLevel
	} else {
		w.Header().Set("Retry-After", "5")
	}
	event := a.logger.WithLevel(level).Err(err).Str("request_id", body.RequestID).Str("error_word", body.Word)
	if mend != "" {
		event = event.Str("mend", mend)
	}
	event.Msg("access token not given")
	answer.JSON(w, status, body)
}
