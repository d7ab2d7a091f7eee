package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/wechat"
)

// api is what needs the bearer token.
type api struct {
	token  [sha256.Size]byte // hashed, so that a comparison does not tell its length
	tokens []*wechat.TokenSource
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

// accessToken gives out an account's access token, so that other programs need
// not fetch their own. Of several accounts, the query's appid says which.
func (a *api) accessToken(w http.ResponseWriter, r *http.Request) {
	tokens, refusal := a.of(r.URL.Query())
	if refusal != nil {
		answer.JSON(w, http.StatusBadRequest, refusal)
		return
	}
	token, err := tokens.Token(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	answer.JSON(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds left
	}{token.AccessToken.Reveal(), int(token.ExpiresIn.Seconds())})
}

// of returns the account that a query names, or why there is none.
func (a *api) of(query url.Values) (*wechat.TokenSource, *answer.Error) {
	appID := query.Get("appid")
	if appID == "" && len(a.tokens) == 1 {
		return a.tokens[0], nil
	}
	for _, tokens := range a.tokens {
		if tokens.Client.AppID == appID {
			return tokens, nil
		}
	}
	return nil, &answer.Error{
		Word: "invalid_request", Message: "Name one of this gateway's accounts: /v1/access_token?appid=…", RequestID: rand.Text(),
	}
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
