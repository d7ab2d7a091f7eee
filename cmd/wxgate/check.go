package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// check tries the configuration for real and prints a line for each part.
func check(c *call) error {
	if err := c.noArguments("check"); err != nil {
		return err
	}
	report := &report{w: c.stdout}
	accounts := newAccounts(nil)
	cfg, err := config.Load(c.environ)
	if err == nil {
		_, err = newGateway(cfg, accounts, zerolog.Nop(), nil) // reads pages, lists and keys
	}
	if faults, ok := errors.AsType[*config.Faults](err); ok {
		for _, fault := range faults.List {
			report.fail("configuration", fault.String(), "")
		}
		return errReported
	}
	report.pass("configuration", "understood")
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	for _, site := range sitesOf(cfg) {
		report.of = ""
		if len(cfg.Sites) > 0 {
			report.of = site.PublicURL.Host + ": "
		}
		checkCallback(report, site)
		if !site.HubURL.IsZero() {
			checkHub(ctx, report, site)
		}
		if site.Mode == modeForwardAuth {
			checkForwardAuth(report, site)
			continue
		}
		for _, u := range site.Upstream {
			checkUpstream(ctx, report, u, site)
		}
	}
	for _, tokens := range accounts.all {
		report.of = ""
		if len(accounts.all) > 1 {
			report.of = tokens.Client.AppID + ": "
		}
		checkWeChat(ctx, report, tokens)
	}
	if report.failed {
		return errReported
	}
	return nil
}

// checkTimeout bounds the whole of the checks.
const checkTimeout = 20 * time.Second

// checkCallback tells what WeChat's settings have to agree with.
func checkCallback(report *report, c *config.Config) {
	if c.HubURL.IsZero() {
		report.pass("callback", c.PublicURL.String()+c.Prefix+"/callback; its host must be the account's web authorization domain (网页授权域名)")
	}
	if len(c.HubSites) > 0 {
		report.pass("hub", "signs visitors in for "+strings.Join(origins(c.HubSites), ", "))
	}
	if c.PublicURL.Scheme == "http" {
		report.note("callback", "over http, cookies and openids can be read on the way: use https for real visitors")
	}
}

// checkForwardAuth tells what only shows when a proxy asks.
func checkForwardAuth(report *report, c *config.Config) {
	if len(c.TrustedProxies) == 0 {
		report.note("forward auth", "no proxy is trusted, so that nobody's word is taken for what the visitor asks; name yours in WXGATE_TRUSTED_PROXIES")
	} else {
		report.pass("forward auth", "the proxies of WXGATE_TRUSTED_PROXIES are believed; "+c.PublicURL.String()+" has to be the proxy's address")
	}
	if len(c.Upstream) > 0 {
		report.note("forward auth", "nothing is forwarded to WXGATE_UPSTREAM; drop it, or set WXGATE_MODE=proxy")
	}
}

// checkWeChat asks for a token, which takes the AppID, the secret and an
// address on the account's allow-list.
func checkWeChat(ctx context.Context, report *report, tokens *wechat.TokenSource) {
	api := tokens.Client.APIURL
	_, err := tokens.Token(ctx)
	switch refusal, ok := errors.AsType[*wechat.Error](err); {
	case err == nil:
		report.pass("wechat", "AppID, AppSecret and IP allow-list accepted by "+api)
	case ok:
		mend := refusal.Hint()
		if mend == "" {
			mend = "try again later, or look the code up in WeChat's documentation"
		}
		report.fail("wechat", err.Error(), mend)
	default:
		report.fail("wechat", err.Error(), "see that this machine reaches "+api+" (firewall, DNS, HTTPS_PROXY)")
	}
}

// checkUpstream opens a connection to the upstream, with TLS where it is
// https.
func checkUpstream(ctx context.Context, report *report, u config.Upstream, cfg *config.Config) {
	name := "upstream " + u.Prefix
	network, address := "tcp", u.URL.Host
	switch {
	case u.URL.Scheme == "unix":
		network, address = "unix", u.URL.Path
	case u.URL.Port() == "" && u.URL.Scheme == "https":
		address = net.JoinHostPort(u.URL.Hostname(), "443")
	case u.URL.Port() == "":
		address = net.JoinHostPort(u.URL.Hostname(), "80")
	}
	dial := (&net.Dialer{Timeout: checkTimeout / 4}).DialContext
	if u.URL.Scheme == "https" {
		dial = (&tls.Dialer{NetDialer: &net.Dialer{Timeout: checkTimeout / 4}, Config: &tls.Config{RootCAs: cfg.UpstreamCAs}}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		mend := "start it, or correct WXGATE_UPSTREAM"
		if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			mend = "it speaks no TLS: write http:// in WXGATE_UPSTREAM"
		}
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
			mend = "name the CA that signed its certificate in WXGATE_UPSTREAM_CA_FILE"
		} else if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			mend = "give it a certificate that is valid now for the name in WXGATE_UPSTREAM, or correct the name"
		}
		report.fail(name, err.Error(), mend)
		return
	}
	conn.Close()
	report.pass(name, u.URL.String()+" accepts connections")
}

// report prints a line per check.
type report struct {
	w      io.Writer
	of     string // what the lines are about, where there are several
	failed bool
}

func (r *report) pass(name, detail string) {
	fmt.Fprintf(r.w, "ok    %s%s: %s\n", r.of, name, detail)
}

func (r *report) note(name, detail string) {
	fmt.Fprintf(r.w, "note  %s%s: %s\n", r.of, name, detail)
}

func (r *report) fail(name, detail, mend string) {
	r.failed = true
	if mend != "" {
		detail += "; mend: " + mend
	}
	fmt.Fprintf(r.w, "FAIL  %s%s: %s\n", r.of, name, detail)
}
