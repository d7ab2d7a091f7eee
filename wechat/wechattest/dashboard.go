package wechattest

import (
	"net/http"
	"slices"
	"time"
)

// shownRequests is how many requests of the log the dashboard shows.
const shownRequests = 50

// state is what GET state returns.
type state struct {
	Now      time.Time `json:"now"`
	Phone    string    `json:"phone"`
	Answer   Answer    `json:"answer"`
	Accounts []Account `json:"accounts"`
	Visitors []Visitor `json:"visitors"`
	Switches Switches  `json:"switches"`
	Faults   []Fault   `json:"faults"`
}

func (c control) state() state {
	s := state{Accounts: c.Accounts(), Visitors: c.Visitors(), Switches: c.Switches(), Faults: c.Faults()}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Now, s.Phone, s.Answer = c.clock.now(), c.phone, c.answer
	return s
}

// dashboard is the page for people. It shows and changes the state, and shows the
// latest requests.
func (c control) dashboard(w http.ResponseWriter, r *http.Request) {
	s := c.state()
	requests := c.Requests()
	slices.Reverse(requests)
	v := view{Chinese: chinese(r)}
	followAccount := ""
	c.mu.Lock()
	if len(s.Accounts) > 0 {
		followAccount = s.Accounts[0].AppID
		v.People = c.visitors.cards(followAccount, c.phone)
	}
	c.mu.Unlock()
	v.Data = struct {
		state
		List     []switchState
		Modes    []FaultMode
		Paths    []string
		Answers  []Answer
		Requests []Request
		Total    int

		FollowAccount string // AppID of the account that visitors can follow here
	}{
		state: s, List: s.Switches.list(), Modes: FaultModes(),
		Paths: []string{
			"/sns/oauth2/access_token", "/sns/userinfo", "/cgi-bin/stable_token", "/cgi-bin/ticket/getticket",
			"/cgi-bin/user/info", "/cgi-bin/user/get", "/cgi-bin/message/template/send", authorizePath,
		},
		Answers:  []Answer{AnswerAgree, AnswerAsk, AnswerDeclineRedirect, AnswerDecline, AnswerSnapshot},
		Requests: requests[:min(len(requests), shownRequests)], Total: len(requests), FollowAccount: followAccount,
	}
	render("dashboard.html", http.StatusOK, v).send(w)
}

// jssdkPage is a form for CheckConfig, into which people paste what a page passed
// to wx.config. The query can fill its fields.
func (c control) jssdkPage(w http.ResponseWriter, r *http.Request) {
	renderJSSDK(r, configOf(fields(r.URL.Query())), "").send(w)
}

func (c control) postJSSDK(w http.ResponseWriter, r *http.Request) {
	given, err := readFields(w, r)
	if err != nil {
		done(w, r, err)
		return
	}
	config := configOf(given)
	result := c.CheckConfig(config)
	if !isForm(r) {
		writeJSON(w, http.StatusOK, map[string]string{"errMsg": result})
		return
	}
	renderJSSDK(r, config, result).send(w)
}

func configOf(given fields) JSConfig {
	return JSConfig{
		AppID: given.text("appId"), Timestamp: given.text("timestamp"), NonceStr: given.text("nonceStr"),
		Signature: given.text("signature"), URL: given.text("url"), Landing: given.text("landing"),
	}
}

func renderJSSDK(r *http.Request, config JSConfig, result string) response {
	return render("jssdk.html", http.StatusOK, view{Chinese: chinese(r), Data: struct {
		JSConfig
		Result string
	}{config, result}})
}
