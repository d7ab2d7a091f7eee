package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// newCheck returns the command check.
func newCheck(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "try the configuration with WeChat, Redis and the upstreams",
		Long: `Tries the configuration in the environment for real: parses it, asks WeChat for a token,
connects to Redis, where it is set, and to each upstream. It prints a line for each check:
ok, note, or FAIL with a hint. It ends after 20 seconds at most. Run it where the gateway
will run, with the same environment.`,
		Example: `wxgate check`,
		Annotations: exits(`0 no check failed; 1 a check failed, the configuration included (for a fault in that,
wxgate serve exits with 2), or the lines could not be written; 2 the arguments are wrong`),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return check(inv) },
	}
}

// check tries the configuration and prints a line for each part of it.
func check(inv *invocation) error {
	report := &report{w: inv.stdout}
	accounts := newAccounts(observeNothing, nil)
	cfg, err := checkConfig(inv.environ, accounts)
	faults, faulty := errors.AsType[*config.Faults](err)
	switch {
	case faulty:
		for _, fault := range faults.List {
			report.fail("configuration", fault.String(), "")
		}
	case err != nil:
		return err
	default:
		report.pass("configuration", "valid")
	}
	if cfg != nil { // else nothing is known of what to check
		checkParts(report, cfg, accounts)
	}
	if report.failed {
		return errReported
	}
	return nil
}

// checkParts tries each part of a configuration that can be read, also if a file of the
// gateway is faulty.
func checkParts(report *report, cfg *config.Config, accounts *accounts) {
	for _, w := range append(cfg.Warnings(), cfg.AccountWarnings()...) {
		report.note("configuration", w.String())
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	checkSecretFiles(report, cfg)
	checkListen(ctx, report, cfg)
	checkCertificate(report, cfg, time.Now())
	checkRedis(ctx, report, cfg)
	seen := make(map[string]bool) // lists that sites share
	for _, site := range sitesOf(cfg) {
		report.about(site.PublicURL.Host, len(cfg.Sites) == 0)
		checkLists(report, site, seen)
		checkSite(ctx, report, site)
	}
	checkAccounts(ctx, report, accounts)
}

// checkConfig loads the configuration and makes a gateway from it, which reads
// its pages, lists and keys. If the gateway refuses them, it returns both the
// configuration and the faults.
func checkConfig(environ []string, accounts *accounts) (*config.Config, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	redis, err := openRedis(cfg, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	accounts.redis = redis
	_, err = newGateway(cfg, accounts, redis, zerolog.Nop(), nil, nil)
	return cfg, err
}

// checkSite checks everything that a site needs, except its account.
func checkSite(ctx context.Context, report *report, c *config.Config) {
	checkCallback(report, c)
	if !c.HubURL.IsZero() {
		checkHub(ctx, report, c)
	}
	if c.Mode == modeForwardAuth {
		checkForwardAuth(report, c)
		return
	}
	for _, u := range c.Upstream {
		checkUpstream(ctx, report, u, c)
	}
}

// checkCallback says what has to be set at WeChat for the site.
func checkCallback(report *report, c *config.Config) {
	refused := c.CallbackWarnings()
	for _, w := range refused {
		report.note("callback", w.String())
	}
	if c.HubURL.IsZero() && len(refused) == 0 {
		report.pass("callback", c.PublicURL.String()+c.Prefix+"/callback; "+
			"its host must be the account's web authorization domain (网页授权域名)")
	}
	if len(c.HubSites) > 0 {
		report.pass("hub", "signs visitors in for "+strings.Join(origins(c.HubSites), ", "))
	}
}

// checkForwardAuth says what the proxy in front has to do. No check can try it:
// the proxy calls wxgate.
func checkForwardAuth(report *report, c *config.Config) {
	if len(c.TrustedProxies) > 0 {
		report.pass("forward auth", "the proxies in WXGATE_TRUSTED_PROXIES are trusted; "+
			"visitors must reach your proxy at "+c.PublicURL.String())
	}
}
