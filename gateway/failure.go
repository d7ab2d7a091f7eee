package gateway

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// failure is an answer that the visitor should see. Its Err and Mend are for
// the operator alone.
type failure struct {
	Status  int
	Word    string     // the error word of a JSON answer
	Page    pages.Name // the page; default: the one for the word
	Always  bool       // a page, whatever the request accepts
	Message string     // the sentence of a JSON answer; default: the one for the word

	LoginURL   string        // where to sign in, as a button or in JSON
	RetryAfter time.Duration // said in a header where set

	Err  error  // what went wrong; nil where the visitor did
	Mend string // what the operator has to do; makes the log line an error
}

func (f *failure) Error() string {
	if f.Err != nil {
		return f.Word + ": " + f.Err.Error()
	}
	return f.Word
}

func (f *failure) Unwrap() error { return f.Err }

// The error words of JSON answers.
const (
	wordUnauthorized        = "unauthorized"
	wordNotAllowed          = "not_allowed"
	wordNotFollowing        = "not_following"
	wordInvalidState        = "invalid_state"
	wordInvalidCode         = "invalid_code"
	wordInvalidRequest      = "invalid_request"
	wordWeChatError         = "wechat_error"
	wordWeChatUnavailable   = "wechat_unavailable"
	wordStoreUnavailable    = "session_store_unavailable"
	wordUpstreamUnavailable = "upstream_unavailable"
	wordTooManyRequests     = "too_many_requests"
	wordBodyTooLarge        = "body_too_large"
	wordUnknownSite         = "unknown_site"
	wordNotFound            = "not_found"
	wordMethodNotAllowed    = "method_not_allowed"
	wordInternal            = "internal_error"
)

// said holds, for each error word, its page and its sentence in JSON.
var said = map[string]struct {
	page    pages.Name
	message string
}{
	wordUnauthorized:        {pages.Restart, "There is no valid session. Sign in at login_url."},
	wordNotAllowed:          {pages.Forbidden, "This request is not allowed."},
	wordNotFollowing:        {pages.Follow, "Only followers of the official account may enter."},
	wordInvalidState:        {pages.Restart, "This login was not begun in this browser, or is over. Begin it again."},
	wordInvalidCode:         {pages.CodeRefused, "WeChat refused the code. Begin the login again."},
	wordInvalidRequest:      {pages.BadRequest, "The request is malformed."},
	wordWeChatError:         {pages.Misconfigured, "WeChat refuses this site; its operator has been told."},
	wordWeChatUnavailable:   {pages.WeChatAway, "WeChat does not answer. Try again in a moment."},
	wordStoreUnavailable:    {pages.StoreAway, "Sessions cannot be read at the moment. Try again shortly."},
	wordUpstreamUnavailable: {pages.UpstreamDown, "The site does not answer. Try again in a moment."},
	wordTooManyRequests:     {pages.TooMany, "Too many logins from this address. Try again later."},
	wordBodyTooLarge:        {pages.TooLarge, "The request body is too large."},
	wordUnknownSite:         {pages.UnknownSite, "No site has this host."},
	wordNotFound:            {pages.NotFound, "There is no such endpoint."},
	wordMethodNotAllowed:    {pages.Method, "This endpoint does not take that method."},
	wordInternal:            {pages.UpstreamDown, "The gateway failed."},
}

// weChatFailure is the answer where WeChat cannot be asked, or refuses the site
// itself.
func weChatFailure(err error) *failure {
	status, said, mend := answer.WeChat(err)
	f := &failure{Status: status, Word: said.Word, Err: err, Mend: mend}
	if status == http.StatusServiceUnavailable {
		f.RetryAfter = retryAfter
	}
	return f
}

// retryAfter is what an answer advises that blames somebody's outage.
const retryAfter = 5 * time.Second

// fail answers err, as a page or as JSON, and logs it: the one place for both.
func (g *guard) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{Status: http.StatusInternalServerError, Word: wordInternal, Err: err}
	}
	v := visitOf(r.Context())
	v.outcome = outcomeOf(f.Status, v.outcome)
	g.logFailure(f, v)

	h := w.Header()
	setOwnHeaders(h)
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	if f.Always || v.navigation {
		g.pages.Render(w, r, f.Status, cmp.Or(f.Page, said[f.Word].page), pages.Data{
			RequestID: v.requestID,
			LoginURL:  f.LoginURL,
			Reload:    f.LoginURL == "" && f.RetryAfter > 0,
			NoCookies: f.Word == wordInvalidState && r.Header.Get("Cookie") == "",
			FollowQR:  g.followQR(f),
		})
		return
	}
	refusal := answer.Error{Word: f.Word, Message: cmp.Or(f.Message, said[f.Word].message), RequestID: v.requestID}
	if f.Status == http.StatusUnauthorized {
		refusal.LoginURL = f.LoginURL
	}
	answer.JSON(w, f.Status, refusal)
}

// outcomeOf is the outcome of a failure with the given status, for a request
// whose outcome was before.
func outcomeOf(status int, before outcome) outcome {
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return outcomeError
	case before == outcomeOwn:
		return outcomeOwn
	case status == http.StatusUnauthorized:
		return outcomeUnauthorized
	case status == http.StatusForbidden:
		return outcomeForbidden
	default:
		return outcomeError
	}
}

// logFailure writes one line for what somebody should know of: an error where
// the operator has to act, a warning where a server is away. What a visitor
// did is told by the access line.
func (g *guard) logFailure(f *failure, v *visit) {
	var event *zerolog.Event
	switch {
	case f.Err == nil:
		return
	case f.Mend != "" || f.Word == wordWeChatError || f.Word == wordInternal:
		event = g.logger.Error()
	case f.Status >= 500:
		event = g.logger.Warn()
	default:
		event = g.logger.Debug()
	}
	event = event.Err(f.Err).Str("request_id", v.requestID).Str("error_word", f.Word)
	if f.Mend != "" {
		event = event.Str("mend", f.Mend)
	}
	event.Msg("request failed")
}
