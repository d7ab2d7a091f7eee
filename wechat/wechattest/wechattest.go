// Package wechattest emulates the side of WeChat that a web site signs its
// visitors in with: the authorize page, scan login, the sns API, the global
// access token, followers and the JS-SDK ticket. A site, an SDK or a gateway is
// pointed at it instead of open.weixin.qq.com and api.weixin.qq.com and is
// developed and tested without an account, a phone or a network.
//
// In Go tests it is used as net/http/httptest is:
//
//	wx := wechattest.NewServer()
//	defer wx.Close()
//
// with wx.URL for both hosts, [StockAppID] and [StockAppSecret]. [Emulator] is
// the same thing as an [http.Handler], to be mounted on any listener; other
// languages drive it through the control API under [ControlPath], people
// through the page there.
//
// Everything lives in memory and is bounded. Nothing is secret: the request
// log shows what WeChat would keep to itself. Where WeChat's documentation is
// silent or contradicted by reports, the behaviour is one of the [Switches].
package wechattest

import (
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says what an emulator starts with. The zero value is the stock
// profile: [StockAccount] and [StockWebsite], [StockVisitors], any browser, any
// order of parameters, and the first visitor holding the phone.
type Config struct {
	// Accounts are the official accounts and website applications; default
	// [StockAccount] and [StockWebsite].
	Accounts []Account
	// Visitors are the people; default [StockVisitors]. The first holds the
	// phone until [Emulator.HoldPhone].
	Visitors []Visitor
	// Strict makes the authorize page as particular as WeChat documents it:
	// parameters in the documented order, each once, and only WeChat's own
	// browser. It turns on the switches StrictOrder and WeChatOnly.
	Strict bool
	// ChooseVisitor lets the authorize page ask who signs in, whatever the
	// scope: for people. Otherwise whoever holds the phone answers. A
	// [VisitorHeader] in the request goes before it.
	ChooseVisitor bool
	// Answer is what the visitor says to the consent page; default [AnswerAgree].
	Answer Answer
	// Clock tells the time; default [time.Now]. See also [Emulator.Advance].
	Clock func() time.Time
	// Seed makes codes and tokens repeatable; 0 takes them from crypto/rand.
	Seed uint64
	// PublicURL is the origin at which browsers reach the emulator, such as
	// http://localhost:8081. It is only used for addresses given to others, such
	// as headimgurl; default: the host that the request named.
	PublicURL string
}

// Answer is what the visitor says when the authorize or scan page asks.
type Answer string

// The answers. Every one but [AnswerAsk] is given at once, without a page, so
// that an HTTP client gets through; the two refusals and [AnswerSnapshot] are
// given even where WeChat would not have asked.
const (
	AnswerAgree           Answer = "agree"          // back with code and state
	AnswerAsk             Answer = "ask"            // the page is shown and a person presses a button
	AnswerDecline         Answer = "decline-silent" // a blank page; the site hears nothing, as seen today
	AnswerDeclineRedirect Answer = "decline"        // back with state alone, as documented for older versions
	AnswerSnapshot        Answer = "snapshot"       // back with the code of a snapshot's virtual account
)

func (a Answer) valid() bool {
	return slices.Contains([]Answer{AnswerAgree, AnswerAsk, AnswerDecline, AnswerDeclineRedirect, AnswerSnapshot}, a)
}

// Headers by which a request to the emulator may say what a test otherwise
// sets for all requests.
const (
	VisitorHeader  = "X-Emulator-Visitor"   // id of the visitor who opens the authorize page
	AnswerHeader   = "X-Emulator-Answer"    // that visitor's [Answer]
	ClientIPHeader = "X-Emulator-Client-Ip" // address to hold against the IP allow-list, instead of the socket's
)

// Emulator is WeChat as a site sees it. It is an [http.Handler]; all methods
// are safe for concurrent use, and each request sees one consistent state.
type Emulator struct {
	publicURL     string
	chooseVisitor bool
	clock         func() time.Time
	mux           *http.ServeMux

	mu       sync.Mutex // guards everything below
	offset   time.Duration
	random   *rand.ChaCha8
	accounts []*account
	visitors []*visitor
	phone    string
	answer   Answer
	switches Switches
	pending  shelf[*pending]
	hops     shelf[bool]
	grants   shelf[*grant]
	web      shelf[*webToken]
	refresh  shelf[*refreshToken]
	global   shelf[*globalToken]
	quotas   quotas
	faults   []*Fault
	log      []*Request // a ring: next is the place of the coming entry once it is full
	next     int
}

// New makes an emulator. An error tells which account or visitor is malformed.
func New(config Config) (*Emulator, error) {
	e := &Emulator{
		publicURL:     strings.TrimSuffix(config.PublicURL, "/"),
		chooseVisitor: config.ChooseVisitor,
		clock:         config.Clock,
		random:        newRandom(config.Seed),
		answer:        config.Answer,
		switches:      Switches{StrictOrder: config.Strict, WeChatOnly: config.Strict},
		pending:       shelf[*pending]{life: time.Hour},
		hops:          shelf[bool]{life: time.Hour},
		grants:        shelf[*grant]{life: time.Hour},
		web:           shelf[*webToken]{life: 2 * webTokenLife},
		refresh:       shelf[*refreshToken]{life: 2 * refreshTokenLife},
		global:        shelf[*globalToken]{life: 2 * globalTokenLife},
		quotas:        newQuotas(),
	}
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.answer == "" {
		e.answer = AnswerAgree
	}
	if !e.answer.valid() {
		return nil, fmt.Errorf("emulator: unknown answer %q", e.answer)
	}
	accounts, visitors := config.Accounts, config.Visitors
	if accounts == nil {
		accounts = []Account{StockAccount(), StockWebsite()}
	}
	if visitors == nil {
		visitors = StockVisitors()
	}
	for _, a := range accounts {
		if e.account(a.AppID) != nil {
			return nil, fmt.Errorf("account %q: given twice", a.AppID)
		}
		if err := e.SetAccount(a); err != nil {
			return nil, err
		}
	}
	for _, v := range visitors {
		if e.visitor(v.ID) != nil {
			return nil, fmt.Errorf("visitor %q: given twice", v.ID)
		}
		if err := e.SetVisitor(v); err != nil {
			return nil, err
		}
	}
	if len(visitors) > 0 {
		e.phone = visitors[0].ID
	}
	e.mux = e.routes()
	return e, nil
}

// routes lists everything that is served. An API path that is not here gets an
// empty 404, the third-party platform's and WeCom's among them.
func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range []route{
		{path: "/connect/oauth2/authorize", method: http.MethodGet, family: pages, respond: (*call).authorize},
		{path: "/connect/qrconnect", method: http.MethodGet, family: pages, respond: (*call).qrConnect},
		{path: confirmPath, method: http.MethodPost, family: pages, respond: (*call).confirm},
		{path: "/sns/oauth2/access_token", method: http.MethodGet, family: sns, respond: api((*call).exchange)},
		{path: "/sns/oauth2/refresh_token", method: http.MethodGet, family: sns, respond: api((*call).refreshGrant)},
		{path: "/sns/userinfo", method: http.MethodGet, family: sns, respond: api((*call).userInfo)},
		{path: "/sns/auth", method: http.MethodGet, family: sns, respond: api((*call).auth)},
		{path: "/cgi-bin/token", method: http.MethodGet, family: cgi, respond: api((*call).plainToken)},
		{path: "/cgi-bin/stable_token", method: http.MethodPost, family: cgi, respond: api((*call).stableToken)},
		{path: "/cgi-bin/user/get", method: http.MethodGet, family: cgi, respond: api((*call).followers)},
		{path: "/cgi-bin/user/info", method: http.MethodGet, family: cgi, respond: api((*call).follower)},
		{path: "/cgi-bin/user/info/batchget", method: http.MethodPost, family: cgi, respond: api((*call).followerBatch)},
		{path: "/cgi-bin/ticket/getticket", method: http.MethodGet, family: cgi, respond: api((*call).ticket)},
		{path: "/cgi-bin/clear_quota", method: http.MethodPost, family: cgi, respond: api((*call).clearQuota)},
		{path: "/cgi-bin/getcallbackip", method: http.MethodGet, family: cgi, respond: api((*call).callbackAddresses)},
		{path: "/cgi-bin/get_api_domain_ip", method: http.MethodGet, family: cgi, respond: api((*call).apiAddresses)},
	} {
		mux.Handle(r.path, e.serve(r))
	}
	mux.HandleFunc("GET "+avatarPath+"{visitor}/{size}", e.avatar)
	mux.Handle(ControlPath, e.control())
	mux.Handle("/", e.serve(route{family: pages, respond: func(*call) response { return response{status: http.StatusNotFound} }}))
	return mux
}

// ServeHTTP answers as open.weixin.qq.com and api.weixin.qq.com would; their
// paths do not overlap.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// HoldPhone says which visitor opens the authorize page from now on. With an
// unknown id the page says that nobody holds the phone.
func (e *Emulator) HoldPhone(visitorID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.phone = visitorID
}

// SetAnswer says what visitors answer from now on.
func (e *Emulator) SetAnswer(a Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = a
}

// Advance moves the emulator's clock forward: codes, tokens and tickets age,
// quotas begin anew. Delays of a [Fault] are real time and not touched by it.
func (e *Emulator) Advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offset += d
}

// Now is the emulator's time.
func (e *Emulator) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

func (e *Emulator) now() time.Time { return e.clock().Add(e.offset) }

func newRandom(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	if seed == 0 {
		crand.Read(key[:])
	} else {
		binary.BigEndian.PutUint64(key[:], seed)
	}
	return rand.NewChaCha8(key)
}

const (
	lettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tokenAlphabet    = lettersAndDigits + "-_"
)

// word draws n characters of an alphabet of at most 64. Its slight bias does
// not matter for a fake.
func (e *Emulator) word(alphabet string, n int) string {
	b := make([]byte, n)
	e.random.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}
