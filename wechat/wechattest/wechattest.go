// Package wechattest emulates the part of WeChat that a web site needs to sign
// its visitors in: the authorize page, scan login, the sns API, the global
// access token, followers and the JS-SDK ticket; and what a site's servers call
// through a relay: template messages, tags, the menu and uploads. A site, an SDK or a gateway
// that uses it in place of open.weixin.qq.com and api.weixin.qq.com can be
// developed and tested without an account, a phone or a network.
//
// In Go tests it is used like net/http/httptest:
//
//	wx := wechattest.NewServer()
//	defer wx.Close()
//
// with wx.URL for both hosts, [StockAppID] and [StockAppSecret]. An [Emulator]
// is the same as an [http.Handler], for any listener. Other languages control it
// by the control API under [ControlPath], people by the page there.
//
// All state is in memory and bounded. Nothing is kept secret: the request log
// shows secrets, codes and tokens. Where WeChat's documentation says nothing, or
// reports contradict it, the behaviour is one of the [Switches].
package wechattest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config is what an emulator starts with. The zero value is the stock profile:
// [StockAccount], [StockWebsite] and [StockVisitors], any browser, any order of
// parameters, and the first visitor holds the phone.
type Config struct {
	// Accounts are the official accounts and website applications; default
	// [StockAccount] and [StockWebsite].
	Accounts []Account
	// Visitors are the people; default [StockVisitors]. The first holds the phone
	// until [Emulator.HoldPhone].
	Visitors []Visitor
	// Strict makes the authorize page as strict as WeChat documents it:
	// parameters in the documented order, each once, and only WeChat's own
	// browser. It turns on the switches StrictOrder and WeChatOnly.
	Strict bool
	// ChooseVisitor lets the authorize page ask who signs in, for every scope:
	// for people. Otherwise the visitor who holds the phone answers. A
	// [VisitorHeader] in the request takes precedence.
	ChooseVisitor bool
	// Answer is what the visitor answers on the consent page; default
	// [AnswerAgree].
	Answer Answer
	// Clock tells the time; default [time.Now]. See also [Emulator.Advance].
	Clock func() time.Time
	// Seed makes codes and tokens repeatable; 0 takes them from crypto/rand.
	Seed uint64
	// PublicURL is the origin at which browsers reach the emulator, such as
	// http://localhost:8081. It is used only in addresses that the emulator
	// sends, such as headimgurl; default: the host at which the visitor has opened
	// the authorize page.
	PublicURL string
}

// Emulator is WeChat as a site sees it. It is an [http.Handler]. All methods are
// safe for concurrent use, and each request sees one consistent state.
type Emulator struct {
	publicURL     string
	chooseVisitor bool
	mux           *http.ServeMux

	requestLog // with its own mutex, locked after mu
	faults     // with its own mutex, locked after mu

	mu       sync.Mutex // guards everything below; held while a request is processed
	clock    clock
	random   random
	accounts accounts
	visitors visitors
	phone    string // id of the visitor who holds the phone
	answer   Answer
	switches Switches
	quotas   quotas

	hops          ttlMap[bool]          // by key: whether the site sent connect_redirect
	pending       ttlMap[*loginRequest] // by id: waits for a button on a page
	grants        ttlMap[*grant]        // by code
	webTokens     ttlMap[*webToken]
	refreshTokens ttlMap[*refreshToken]
	globalTokens  ttlMap[*globalToken]
}

// New makes an emulator. The error names the account or visitor that is
// malformed.
func New(config Config) (*Emulator, error) {
	e := &Emulator{
		publicURL:     strings.TrimSuffix(config.PublicURL, "/"),
		chooseVisitor: config.ChooseVisitor,
		clock:         newClock(config.Clock),
		random:        newRandom(config.Seed),
		answer:        cmp.Or(config.Answer, AnswerAgree),
		switches:      Switches{StrictOrder: config.Strict, WeChatOnly: config.Strict},
		quotas:        newQuotas(),
		hops:          ttlMap[bool]{ttl: time.Hour},
		pending:       ttlMap[*loginRequest]{ttl: time.Hour},
		grants:        ttlMap[*grant]{ttl: time.Hour},
		webTokens:     ttlMap[*webToken]{ttl: 2 * webTokenLife},
		refreshTokens: ttlMap[*refreshToken]{ttl: 2 * refreshTokenLife},
		globalTokens:  ttlMap[*globalToken]{ttl: 2 * globalTokenLife},
	}
	if !e.answer.valid() {
		return nil, fmt.Errorf("emulator: unknown answer %q", e.answer)
	}
	if config.Accounts == nil {
		config.Accounts = []Account{StockAccount(), StockWebsite()}
	}
	if config.Visitors == nil {
		config.Visitors = StockVisitors()
	}
	if err := e.add(config.Accounts, config.Visitors); err != nil {
		return nil, err
	}
	e.mux = e.routes()
	return e, nil
}

// add adds the first accounts and visitors. The first visitor gets the phone.
func (e *Emulator) add(accounts []Account, visitors []Visitor) error {
	for _, a := range accounts {
		if e.accounts.find(a.AppID) != nil {
			return fmt.Errorf("account %q: given twice", a.AppID)
		}
		if err := e.SetAccount(a); err != nil {
			return err
		}
	}
	for _, v := range visitors {
		if e.visitors.find(v.ID) != nil {
			return fmt.Errorf("visitor %q: given twice", v.ID)
		}
		if err := e.SetVisitor(v); err != nil {
			return err
		}
	}
	if len(visitors) > 0 {
		e.phone = visitors[0].ID
	}
	return nil
}

// routes lists everything that is served. An API path that is not listed gets an
// empty 404, among them those of third-party platforms and of WeCom.
func (e *Emulator) routes() *http.ServeMux {
	const get, post = http.MethodGet, http.MethodPost
	mux := http.NewServeMux()
	for _, r := range []route{
		{path: authorizePath, method: get, family: pages, respond: authorize},
		{path: "/connect/qrconnect", method: get, family: pages, respond: qrConnect},
		{path: confirmPath, method: post, family: pages, respond: confirm},
		{path: "/sns/oauth2/access_token", method: get, family: sns, respond: api(exchange)},
		{path: "/sns/oauth2/refresh_token", method: get, family: sns, respond: api(refreshGrant)},
		{path: "/sns/userinfo", method: get, family: sns, respond: api(profile)},
		{path: "/sns/auth", method: get, family: sns, respond: api(checkToken)},
		{path: "/cgi-bin/token", method: get, family: cgi, respond: api(legacyToken)},
		{path: "/cgi-bin/stable_token", method: post, family: cgi, respond: api(stableToken)},
		{path: "/cgi-bin/user/get", method: get, family: cgi, respond: api(followerPage)},
		{path: "/cgi-bin/user/info", method: get, family: cgi, respond: api(userInfo)},
		{path: "/cgi-bin/user/info/batchget", method: post, family: cgi, respond: api(userInfoBatch)},
		{path: "/cgi-bin/ticket/getticket", method: get, family: cgi, respond: api(jsTicket)},
		{path: "/cgi-bin/user/tag/get", method: post, family: cgi, respond: api(membersOfTag)},
		{path: "/cgi-bin/tags/get", method: get, family: cgi, respond: api(listTags)},
		{path: "/cgi-bin/tags/create", method: post, family: cgi, respond: api(createTag)},
		{path: "/cgi-bin/tags/update", method: post, family: cgi, respond: api(renameTag)},
		{path: "/cgi-bin/tags/delete", method: post, family: cgi, respond: api(deleteTag)},
		{path: "/cgi-bin/tags/getidlist", method: post, family: cgi, respond: api(tagsOfMember)},
		{path: "/cgi-bin/tags/members/batchtagging", method: post, family: cgi, respond: api(tagMembers)},
		{path: "/cgi-bin/tags/members/batchuntagging", method: post, family: cgi, respond: api(untagMembers)},
		{path: "/cgi-bin/tags/members/getblacklist", method: post, family: cgi, respond: api(blacklist)},
		{path: "/cgi-bin/tags/members/batchblacklist", method: post, family: cgi, respond: api(block)},
		{path: "/cgi-bin/tags/members/batchunblacklist", method: post, family: cgi, respond: api(unblock)},
		{path: "/cgi-bin/message/template/send", method: post, family: cgi, respond: api(sendTemplate)},
		{path: "/cgi-bin/menu/create", method: post, family: cgi, respond: api(createMenu)},
		{path: "/cgi-bin/menu/get", method: get, family: cgi, respond: api(getMenu)},
		{path: "/cgi-bin/menu/delete", method: get, family: cgi, respond: api(deleteMenu)},
		{path: "/cgi-bin/menu/addconditional", method: post, family: cgi, respond: api(addSpecialMenu)},
		{path: "/cgi-bin/menu/delconditional", method: post, family: cgi, respond: api(deleteSpecialMenu)},
		{path: "/cgi-bin/menu/trymatch", method: post, family: cgi, respond: api(tryMenu)},
		{path: "/cgi-bin/media/upload", method: post, family: cgi, respond: api(uploadMedia), maxBody: maxUploadBytes},
		{path: "/cgi-bin/clear_quota", method: post, family: cgi, respond: api(clearQuota)},
		{path: "/cgi-bin/getcallbackip", method: get, family: cgi, respond: api(callbackAddresses)},
		{path: "/cgi-bin/get_api_domain_ip", method: get, family: cgi, respond: api(apiAddresses)},
	} {
		mux.Handle(r.path, e.serve(r))
	}
	mux.HandleFunc("GET "+avatarPath+"{visitor}/{size}", e.avatar)
	mux.Handle(ControlPath, control{e}.handler())
	mux.Handle("/", e.serve(route{family: pages, respond: notFound}))
	return mux
}

func notFound(*transaction) response { return response{status: http.StatusNotFound} }

// ServeHTTP serves the paths of open.weixin.qq.com and of api.weixin.qq.com,
// which do not overlap.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }
