package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// newExplain returns the command explain.
func newExplain(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain [METHOD] URL [--as OPENID|nobody] [--user-agent UA] [--header 'Name: value'] " +
			"[--from ADDRESS]",
		Short: "say what the gateway would do with a request, and why",
		Long: `Says what the configured gateway would do with a request, and by which rule and variable. It
is the gateway's own decision. Nothing is sent: neither to WeChat, nor to Redis, nor to the
site. URL is absolute, or a path of the only site. METHOD is GET by default. Without
flags the visitor has no session, and WeChat's browser on Android. A GET or HEAD is a page
load (Sec-Fetch-Mode: navigate, Accept: text/html and others); any other method is a
script's request (Accept: */*, no Sec-Fetch-Mode). The line "assumed headers" names the
headers that --header did not give. WXGATE_LOGIN_RATE plays no part: explain counts no
requests. It needs the whole configuration in the environment, as serve does.`,
		Example: `wxgate explain /cart
wxgate explain POST /api/cart --as oABC123 --header 'Sec-Fetch-Mode: cors'`,
		Annotations: exits(`0 explained, a refusal too; 1 it cannot be told, or could not be written; 2 the
arguments or the configuration are wrong`),
	}
	ask := &explainedRequest{method: http.MethodGet}
	flags := cmd.Flags()
	flags.Func("as", "the visitor is signed in with this `OPENID`; nobody: not signed in", ask.setVisitor)
	flags.Func("user-agent", "the browser, by default WeChat's on Android, as `UA`", func(agent string) error {
		return ask.setHeader("User-Agent: " + agent)
	})
	flags.Func("header", "a header as `'Name: value'`, in place of the page load's; without a value: leave it out; "+
		"may be repeated", ask.setHeader)
	flags.Func("from", "`ADDRESS` of the client, by default the first in WXGATE_TRUSTED_PROXIES, or a stranger's",
		ask.setFrom)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if err := ask.setArguments(args); err != nil {
			return usageError{err}
		}
		return nil
	}
	cmd.RunE = func(*cobra.Command, []string) error { return explain(inv, ask) }
	return cmd
}

// explain says what the gateway would do with a request.
func explain(inv *invocation, ask *explainedRequest) error {
	cfg, err := config.Load(inv.environ)
	if err != nil {
		return err
	}
	e, err := newExplainer(cfg, ask)
	if err != nil {
		return err
	}
	lines, err := e.explain()
	if err != nil {
		return err
	}
	_, err = io.WriteString(inv.stdout, strings.Join(lines, "\n")+"\n")
	return err
}

// An explainer asks a gateway that nothing leaves.
type explainer struct {
	cfg     *config.Config
	ask     *explainedRequest
	gateway *gateway.Gateway
	wechat  *nothingSent
}

// newExplainer returns the explainer of one request, with a gateway as `serve` has it,
// but without Redis, and whose calls of WeChat fail.
func newExplainer(cfg *config.Config, ask *explainedRequest) (*explainer, error) {
	e := &explainer{cfg: cfg, ask: ask, wechat: new(nothingSent)}
	ask.asked = e.askedMethod()
	accounts := newAccounts(observeNothing, nil)
	redis, err := openRedis(cfg, zerolog.Nop()) // it connects only when it runs
	if err != nil {
		return nil, err
	}
	all := gatewayConfig(cfg, accounts, redis, zerolog.Nop(), nil, nil)
	all.LoginRate, all.SharedRate, all.Revocations = gateway.Rate{}, nil, nil
	for i := range all.Sites {
		site := &all.Sites[i]
		site.Sessions, site.Exchanges, site.PassAccessToken = nil, nil, false
		for _, client := range []*wechat.Client{site.Account, site.ScanAccount, site.Tokens.Client} {
			if client != nil {
				client.Transport = e.wechat
			}
		}
	}
	e.gateway, err = gateway.New(all)
	if wrong, ok := errors.AsType[*gateway.ConfigError](err); ok {
		return nil, faultsOf(cfg, wrong)
	}
	return e, err
}

// explain returns the lines of the explanation.
func (e *explainer) explain() ([]string, error) {
	if _, given := e.ask.header("Host"); e.host() == "" && !given {
		return nil, usageError{errors.New("there are several sites: expected an absolute URL, which says the site")}
	}
	if err := e.checkSession(); err != nil {
		return nil, err
	}
	told, err := e.tell(true)
	if told.ifFollows && err == nil {
		var other explanation
		if other, err = e.tell(false); err == nil {
			told = eitherWay(told, other)
		}
	}
	if refused, ok := errors.AsType[*unreadable](err); ok {
		return []string{refused.Error()}, nil
	}
	return append([]string{told.first}, told.lines...), err
}

// host returns the host of a path without one: that of the only site; "" if there are
// several.
func (e *explainer) host() string {
	if e.ask.host == "" && len(e.cfg.Sites) <= 1 {
		return sitesOf(e.cfg)[0].PublicURL.Host
	}
	return e.ask.host
}

// An explanation is what the gateway does with a request, in words.
type explanation struct {
	first     string // one sentence
	lines     []string
	ifFollows bool // it holds only if the visitor follows the account, or does not
	public    bool // WeChat is not asked
}

// tell says what the gateway does if the visitor of --as follows the account, or does
// not. An [*unreadable] error is the answer of the server.
func (e *explainer) tell(follows bool) (explanation, error) {
	r, err := e.request()
	if err != nil {
		return explanation{}, err
	}
	a := e.answer(r, e.visitor(follows))
	c := e.site(a)
	if c.Mode == modeForwardAuth && a.Site >= 0 && a.Outcome == "error" && a.status == http.StatusNotFound {
		return e.tellProxy(c, follows)
	}
	lines := append(e.assumedLine(e.schemeHeader()), e.reasons(a)...)
	if strings.HasPrefix(a.Endpoint, c.Prefix+"/auth") {
		lines = append(lines, e.authLines(a)...)
	}
	return e.explanation(c, e.sentence(a), lines, a), nil
}

// explanation returns the explanation of an answer of the site that c describes.
func (e *explainer) explanation(c *config.Config, first string, lines []string, a explainedAnswer) explanation {
	return explanation{
		first: first, lines: lines,
		ifFollows: c.RequireFollow && e.ask.as != "" && a.Action != "",
		public:    a.Action == gateway.ActionPassNobody,
	}
}

// checkSession returns an error if only Redis knows who sends the request.
func (e *explainer) checkSession() error {
	if e.ask.as != "" || e.ask.nobody {
		return nil
	}
	for _, c := range sitesOf(e.cfg) {
		if c.SessionStore == storeRedis && e.ask.hasCookie(c.CookieName) {
			return errors.New("it cannot be told who sends this cookie: the session is in Redis, " +
				"which explain does not ask; name the visitor with --as")
		}
	}
	return nil
}

// visitor returns the session of --as, who follows the account or not; nil: the
// request's own; without openid: nobody.
func (e *explainer) visitor(follows bool) *session.Session {
	switch now := time.Now(); {
	case e.ask.nobody:
		return new(session.Session)
	case e.ask.as == "":
		return nil
	default:
		return &session.Session{
			OpenID: e.ask.as, IssuedAt: now, RenewedAt: now, Subscribed: follows, FollowAskedAt: now,
		}
	}
}

// An explainedAnswer is what the gateway does with a request.
type explainedAnswer struct {
	*gateway.Explanation
	status int // of the gateway's own answer
	header http.Header
	asks   bool // WeChat would be asked: what the gateway answered here is not what it would answer
}

// answer asks the gateway about r.
func (e *explainer) answer(r *http.Request, as *session.Session) explainedAnswer {
	w := &answerWriter{header: make(http.Header)}
	x := e.gateway.Explain(w, r, as)
	// A call before counts too: for some time the gateway does not repeat one that failed.
	return explainedAnswer{x, w.status, w.header, e.wechat.calls.Load() > 0}
}

// site returns the configuration of the site that answers; that of the process if
// none does.
func (e *explainer) site(a explainedAnswer) *config.Config {
	if a.Site < 0 {
		return e.cfg
	}
	return sitesOf(e.cfg)[a.Site]
}

// answerWriter is a ResponseWriter that keeps status and header.
type answerWriter struct {
	header http.Header
	status int
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(b), nil
}

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// nothingSent is a transport that sends nothing and counts what it does not send.
type nothingSent struct{ calls atomic.Int64 }

// RoundTrip implements [http.RoundTripper].
func (t *nothingSent) RoundTrip(*http.Request) (*http.Response, error) {
	t.calls.Add(1)
	return nil, errors.New("explain sends nothing")
}
