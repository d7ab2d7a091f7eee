package gateway

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/gateway/watch"
	"github.com/wxgate/wxgate/session"
)

// builder makes the sites of one gateway. Pages, lists and keys that several
// sites read from the same file are read and watched once.
type builder struct {
	common  *common
	buffers *bufferPool
	opened  *session.OpenedCookies
	pages   map[string]*pages.Set                   // by directory
	lists   map[string]*openIDFile                  // by field and path
	keys    map[string]*watch.File[*assertion.Keys] // by path
	files   []File
}

func newBuilder(c *common) *builder {
	return &builder{
		common:  c,
		buffers: newBufferPool(),
		opened:  session.NewOpenedCookies(openedCookieBytes()),
		pages:   make(map[string]*pages.Set),
		lists:   make(map[string]*openIDFile),
		keys:    make(map[string]*watch.File[*assertion.Keys]),
	}
}

// sites returns the doors of the sites in their order, and what is wrong with
// their configurations.
func (b *builder) sites(list []Site) (all []*doors, fields []FieldError) {
	for i, c := range list {
		errs := &fieldErrors{site: i}
		d := b.doors(c, errs)
		d.index = i
		all = append(all, d)
		fields = append(fields, errs.fields...)
	}
	return all, fields
}

// doors returns the doors of the site that c describes.
func (b *builder) doors(c Site, errs *fieldErrors) *doors {
	s := b.site(c, errs)
	l := b.logins(c, s, errs)
	return &doors{
		site:      s,
		logins:    l,
		own:       newEndpoints(c, s, l, errs),
		upstreams: newUpstreams(c, s, b.buffers, errs),
	}
}

// site returns the site that c describes.
func (b *builder) site(c Site, errs *fieldErrors) *site {
	accounts := newAccounts(c, errs)
	addresses := newAddresses(c, b.common.prefix, errs)
	cookies := cookieConfig(c, addresses)
	cookies.Revoked = b.common.revocations.Revoked
	cookies.Opened = b.opened
	checkSite(c, errs)
	s := &site{
		responder:    b.responder(c, addresses.public, errs),
		addresses:    addresses,
		policy:       newPolicy(c, accounts, errs),
		lifetime:     cookies.Lifetime,
		cookieName:   cookies.CookieName(),
		hidden:       hiddenCookies{cookies.CookieName(): true},
		maxBodyBytes: c.MaxBodyBytes,
		lists:        b.openLists(c, errs),
		follow:       newFollow(c, b.common, errs),
		assertions:   b.assertionsOf(c.AssertionKeysFile, addresses.publicURL, errs),
	}
	s.responder.addresses = &s.addresses
	s.sessions = newStore(c, cookies, errs)
	s.webTokens = newWebTokens(c, s.sessions, accounts, s.responder, errs)
	return s
}

// newStore returns the store of the sessions whose cookies are described.
func newStore(c Site, cookies session.Config, errs *fieldErrors) session.Store {
	if len(errs.fields) > 0 {
		return nil // the error would be about a field that is named already
	}
	if c.Sessions != nil {
		store, err := c.Sessions(cookies)
		errs.add("Sessions", err)
		return store
	}
	store, err := session.NewCookieStore(cookies)
	errs.add("CookieKeys", err)
	return store
}

// responder returns the responder of the site that c describes, which has the given
// public URL.
func (b *builder) responder(c Site, public origin.Origin, errs *fieldErrors) *responder {
	p := &responder{common: b.common, counters: b.common.metrics.of(public), followQR: c.FollowQRURL}
	var err error
	p.skip, err = pathset.New(c.AccessLogSkip)
	errs.add("AccessLogSkip", err)
	p.pages, err = cached(b.pages, c.PagesDir, pages.New)
	errs.add("PagesDir", err)
	p.usersHash, err = newUserHash(c.CookieKeys)
	errs.add("CookieKeys", err)
	return p
}

// logins returns the logins of site s, which c describes.
func (b *builder) logins(c Site, s *site, errs *fieldErrors) *logins {
	cookies := cookieConfig(c, s.addresses)
	pending, _ := session.NewLogins(cookies) // the session store has had the same error
	all := &logins{
		site:      s,
		accounts:  s.policy.accounts,
		pending:   pending,
		exchanges: newExchanges(),
		hub:       newHubRole(c, s.public, errs),
		before:    beforeLogin{s, c.KeepFragment},
	}
	if c.Exchanges != nil && len(errs.fields) == 0 {
		all.shared = c.Exchanges(cookies)
	}
	return all
}

// checkSite checks the fields that no part of the site checks for itself.
func checkSite(c Site, errs *fieldErrors) {
	errs.add("CookieKeys", c.CookieKeys.Check())
	if c.CookieName != "" {
		errs.add("CookieName", session.CheckCookieName(c.CookieName))
	}
	errs.positive("SessionTTL", c.SessionTTL)
	errs.positive("SessionMaxTTL", c.SessionMaxTTL)
	if c.MaxBodyBytes < 0 {
		errs.add("MaxBodyBytes", fmt.Errorf("%d: expected a number of bytes, or 0 for no limit", c.MaxBodyBytes))
	}
	if c.Tickets != nil {
		errs.add("Tickets", checkTokens(c.Tickets.Tokens, c.Account))
	}
	if c.Tokens != nil {
		errs.add("Tokens", checkTokens(c.Tokens, c.Account))
	}
}

// cookieConfig describes the cookies of the site that c describes.
func cookieConfig(c Site, a addresses) session.Config {
	appID := ""
	if c.Account != nil {
		appID = c.Account.AppID
	}
	return session.Config{
		Keys:   c.CookieKeys,
		Site:   a.publicURL,
		AppID:  appID,
		Name:   c.CookieName,
		Domain: c.CookieDomain,
		Secure: a.public.Scheme == "https",
		Lifetime: session.Lifetime{
			TTL:    cmp.Or(c.SessionTTL, 24*time.Hour),
			MaxTTL: cmp.Or(c.SessionMaxTTL, 720*time.Hour),
		},
	}
}

// openLists opens the allow and deny lists. Either may be missing.
func (b *builder) openLists(c Site, errs *fieldErrors) (l lists) {
	for _, list := range []struct {
		of          **openIDFile
		field, path string
	}{
		{&l.allow, "AllowOpenIDsFile", c.AllowOpenIDsFile},
		{&l.deny, "DenyOpenIDsFile", c.DenyOpenIDsFile},
	} {
		file, err := cached(b.lists, list.field+": "+list.path, func(string) (*openIDFile, error) {
			file, err := newOpenIDFile(list.path, list.of == &l.allow, b.common.logger)
			if file != nil {
				b.watch(file)
			}
			return file, err
		})
		errs.add(list.field, err)
		if file != nil {
			b.files = append(b.files, File{errs.site, list.field, file.Status})
		}
		*list.of = file
	}
	return l
}

// assertionsOf returns the issuer of assertions by the keys in the file at path;
// nil if path is empty.
func (b *builder) assertionsOf(path, publicURL string, errs *fieldErrors) *assertion.Issuer {
	if path == "" {
		return nil
	}
	keys, err := cached(b.keys, path, func(path string) (*watch.File[*assertion.Keys], error) {
		file, err := assertion.OpenKeys(path, b.common.logger)
		if err == nil {
			b.watch(file)
		}
		return file, err
	})
	if err != nil {
		errs.add("AssertionKeysFile", err)
		return nil
	}
	b.files = append(b.files, File{errs.site, "AssertionKeysFile", keys.Status})
	return assertion.New(keys, publicURL, b.common.logger)
}

// watch has the gateway reread a file.
func (b *builder) watch(file watched) {
	b.common.background.files = append(b.common.background.files, file)
}

// cached returns made[place], calling read the first time.
func cached[T any](made map[string]T, place string, read func(string) (T, error)) (T, error) {
	if one, ok := made[place]; ok {
		return one, nil
	}
	one, err := read(place)
	if err == nil {
		made[place] = one
	}
	return one, err
}
