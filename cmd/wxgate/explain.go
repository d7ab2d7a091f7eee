package main

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
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
		Use:   "explain [METHOD] URL [--as OPENID|nobody] [--user-agent UA] [--header 'Name: value']",
		Short: "say what the gateway would do with a request, and why",
		Long: `Says what the configured gateway would do with a request, and by which rule and variable. It
is the gateway's own decision. Nothing is sent: neither to WeChat, nor to Redis, nor to the
site. URL is absolute, or a path of the public URL. METHOD is GET by default. Without
flags the request is a page load of a visitor without a session in WeChat's browser.`,
		Example: `wxgate explain /cart
wxgate explain POST /api/cart --as oABC123 --header 'Sec-Fetch-Mode: cors'`,
		Annotations: exits(`0 explained, a refusal too; 1 it cannot be told; 2 the arguments or the
configuration are wrong`),
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
		func(text string) (err error) {
			ask.from, err = netip.ParseAddr(text)
			return err
		})
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
	accounts := newAccounts(observeNothing, nil)
	redis, err := openRedis(cfg, zerolog.Nop()) // it connects only when it runs
	if err != nil {
		return nil, err
	}
	all := gatewayConfig(cfg, accounts, redis, zerolog.Nop(), nil, nil)
	all.SharedRate, all.Revocations = nil, nil
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
	if e.ask.host == "" && len(e.cfg.Sites) > 0 {
		return nil, usageError{errors.New("there are several sites: expected an absolute URL, which says the site")}
	}
	if err := e.checkSession(); err != nil {
		return nil, err
	}
	r, err := e.request()
	if err != nil { // net/http says so to the client too
		return []string{"400: the request is malformed, and refused before any rule: " + err.Error()}, nil
	}
	a := e.answer(r, e.visitor(true))
	c := e.site(a)
	if c.Mode == modeForwardAuth && a.Site >= 0 && a.Outcome == "error" && a.status == http.StatusNotFound {
		return e.explainForwardAuth(c), nil
	}
	first := e.sentence(a)
	if c.RequireFollow && e.ask.as != "" && a.Action != "" {
		if r, err = e.request(); err != nil {
			return nil, err
		}
		if other := e.sentence(e.answer(r, e.visitor(false))); other != first {
			first = "asks WeChat whether the visitor follows the account. If so: " + first + " If not: " + other
		}
	}
	return append([]string{first}, e.reasons(a)...), nil
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
	asks   bool // WeChat
}

// answer asks the gateway about r.
func (e *explainer) answer(r *http.Request, as *session.Session) explainedAnswer {
	w := &answerWriter{header: make(http.Header)}
	before := e.wechat.calls.Load()
	x := e.gateway.Explain(w, r, as)
	return explainedAnswer{x, w.status, w.header, e.wechat.calls.Load() > before}
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
