package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/watch"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// A builder makes the guards of one gateway. Pages, lists and keys that several
// of them have from the same place, it reads once, and they are watched once.
type builder struct {
	*shared
	pages map[string]*pages.Set  // by directory
	lists map[string]*openIDFile // by path
	keys  map[string]*watch.File[*assertion.Keys]
}

func newBuilder(s *shared) *builder {
	return &builder{
		s, make(map[string]*pages.Set), make(map[string]*openIDFile), make(map[string]*watch.File[*assertion.Keys]),
	}
}

// guard returns the guard of the site that c describes.
func (b *builder) guard(c Config) (*guard, error) {
	publicURL, err := parseOrigin(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("PublicURL: %w", err)
	}
	if c.Account == nil || c.Account.AppID == "" {
		return nil, errors.New("an Account with an AppID is required")
	}
	g := &guard{
		shared:    b.shared,
		publicURL: publicURL,
		account:   c.Account,
		scope:     cmp.Or(c.Scope, wechat.ScopeBase),
		lifetime: session.Lifetime{
			TTL:    cmp.Or(c.SessionTTL, 24*time.Hour),
			MaxTTL: cmp.Or(c.SessionMaxTTL, 720*time.Hour),
		},
		returnHosts:  allowedHosts(publicURL, c.ReturnHosts),
		verifyFiles:  verifyFiles(c.VerifyFiles),
		denySnap:     c.DenySnapshotUsers || c.RequireFollow,
		maxBody:      c.MaxBodyBytes,
		keepFragment: c.KeepFragment,
		tickets:      c.Tickets,
	}
	g.cookies = session.Config{
		Keys:     c.CookieKeys,
		Site:     publicURL.String(),
		AppID:    c.Account.AppID,
		Name:     c.CookieName,
		Domain:   c.CookieDomain,
		Secure:   publicURL.Scheme == "https",
		Lifetime: g.lifetime,
	}
	g.withheld = map[string]bool{g.cookies.CookieName(): true}

	var errs [12]error
	g.sessions, errs[0] = session.NewCookieStore(g.cookies)
	g.logins, errs[1] = session.NewLogins(g.cookies)
	g.policy, errs[2] = newPolicy(c.PublicPaths, c.APIPaths, c.OutsideWeChat)
	g.pages, errs[3] = b.pagesOf(c.PagesDir)
	g.ownPaths, errs[4] = g.newOwnPaths()
	g.userHash, errs[5] = newUserHash(c.CookieKeys)
	g.proxy, errs[6] = g.newProxy(c)
	g.scan, errs[7] = scanAccount(c)
	g.follow, errs[8] = newFollow(c, b.logger)
	g.lists, errs[9] = b.listsOf(c.AllowOpenIDsFile, c.DenyOpenIDsFile)
	g.assertions, errs[10] = b.assertionsOf(c.AssertionKeysFile, publicURL.String())
	g.hub, errs[11] = newHubConfig(c, publicURL)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	g.observeAccounts()
	g.own = g.routes()
	return g, nil
}

// observeAccounts counts the calls to WeChat of the accounts that nobody else
// observes.
func (g *guard) observeAccounts() {
	accounts := []*wechat.Client{g.account}
	if g.scan != nil {
		accounts = append(accounts, g.scan)
	}
	if g.follow != nil {
		accounts = append(accounts, g.follow.tokens.Client)
	}
	for _, account := range accounts {
		if account.Observe == nil {
			account.Observe = g.metrics.observeWeChat
		}
	}
}

// pagesOf returns the pages in dir, or the built-in ones.
func (b *builder) pagesOf(dir string) (*pages.Set, error) {
	set, err := once(b.pages, dir, pages.New)
	if err != nil {
		return nil, fmt.Errorf("PagesDir: %w", err)
	}
	return set, nil
}

// listsOf returns the lists in two files, of which either may be none.
func (b *builder) listsOf(allow, deny string) (l lists, err error) {
	read := func(path string) (*openIDFile, error) { return newOpenIDFile(path, b.logger) }
	var errs [2]error
	l.allow, errs[0] = once(b.lists, allow, read)
	l.deny, errs[1] = once(b.lists, deny, read)
	return l, errors.Join(errs[:]...)
}

// assertionsOf returns the issuer of assertions for the site with the public URL,
// with the keys in the file at path; nil if path is empty.
func (b *builder) assertionsOf(path, publicURL string) (*assertion.Issuer, error) {
	if path == "" {
		return nil, nil
	}
	keys, err := once(b.keys, path, func(path string) (*watch.File[*assertion.Keys], error) {
		return assertion.OpenKeys(path, b.logger)
	})
	if err != nil {
		return nil, err
	}
	return assertion.New(keys, publicURL, b.logger), nil
}

// once returns what read makes of the place, which is made once for all who ask.
func once[T any](made map[string]T, place string, read func(string) (T, error)) (T, error) {
	if one, ok := made[place]; ok {
		return one, nil
	}
	one, err := read(place)
	made[place] = one
	return one, err
}
