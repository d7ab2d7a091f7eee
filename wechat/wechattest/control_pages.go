package wechattest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// shownRequests are the lines of the log that the page shows.
const shownRequests = 50

// switchState is a switch on the page.
type switchState struct {
	Name string
	On   bool
}

// dashboard is the page for people: who holds the phone, what goes wrong, what
// was asked.
func (e *Emulator) dashboard(w http.ResponseWriter, r *http.Request) {
	s := e.state()
	requests := e.Requests()
	slices.Reverse(requests)
	v := view{Chinese: chinese(r)}
	e.mu.Lock()
	if len(s.Accounts) > 0 {
		v.People = e.people(s.Accounts[0].AppID)
	}
	e.mu.Unlock()
	v.Data = struct {
		state
		List     []switchState
		Modes    []FaultMode
		Paths    []string
		Answers  []Answer
		Requests []Request
		Total    int
	}{
		state: s, List: s.Switches.list(), Modes: FaultModes(),
		Paths: []string{
			"/sns/oauth2/access_token", "/sns/userinfo", "/cgi-bin/stable_token", "/cgi-bin/ticket/getticket",
			"/cgi-bin/user/info", "/cgi-bin/user/get", authorizePath,
		},
		Answers:  []Answer{AnswerAgree, AnswerAsk, AnswerDeclineRedirect, AnswerDecline, AnswerSnapshot},
		Requests: requests[:min(len(requests), shownRequests)], Total: len(requests),
	}
	render("dashboard.html", http.StatusOK, v).send(w)
}

// list is the switches by the names that JSON has for them.
func (s Switches) list() []switchState {
	var list []switchState
	for name, on := range s.named() {
		list = append(list, switchState{name, on})
	}
	slices.SortFunc(list, func(a, b switchState) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (s Switches) named() map[string]bool {
	raw, _ := json.Marshal(s)
	var named map[string]bool
	json.Unmarshal(raw, &named)
	return named
}

// postSwitches turns those that are named on or off.
func (e *Emulator) postSwitches(given fields) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	named := e.switches.named()
	for name := range given {
		on, err := strconv.ParseBool(given.text(name))
		if _, known := named[name]; !known || err != nil {
			return fmt.Errorf("switch %q: want the name of a switch, and true or false", name)
		}
		named[name] = on
	}
	raw, _ := json.Marshal(named)
	return json.Unmarshal(raw, &e.switches)
}

func (e *Emulator) postFault(given fields) error {
	code, err1 := given.number("code")
	status, err2 := given.number("status")
	times, err3 := given.number("times")
	delay, err4 := given.duration("delay")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	f := Fault{
		Path: given.text("path"), AppID: given.text("appid"), Times: times, Mode: FaultMode(given.text("mode")),
		Code: code, Message: given.text("message"), Status: status, Delay: delay,
	}
	if !slices.Contains(FaultModes(), f.Mode) {
		return fmt.Errorf("mode: want one of %q", FaultModes())
	}
	if status != 0 && (status < 200 || status > 599) {
		return fmt.Errorf("status: want 200 to 599")
	}
	e.Fault(f)
	return nil
}

// jssdkPage is a form around CheckConfig, for pasting what a page gave to
// wx.config; its fields may be filled by the query.
func (e *Emulator) jssdkPage(w http.ResponseWriter, r *http.Request) {
	v := view{Chinese: chinese(r)}
	q := r.URL.Query()
	v.Data = struct {
		JSConfig
		Result string
	}{JSConfig: configOf(fields(q))}
	render("jssdk.html", http.StatusOK, v).send(w)
}

func configOf(given fields) JSConfig {
	return JSConfig{
		AppID: given.text("appId"), Timestamp: given.text("timestamp"), NonceStr: given.text("nonceStr"),
		Signature: given.text("signature"), URL: given.text("url"), Landing: given.text("landing"),
	}
}

func (e *Emulator) postJSSDK(w http.ResponseWriter, r *http.Request) {
	given, err := readFields(w, r)
	if err != nil {
		done(w, r, err)
		return
	}
	config := configOf(given)
	result := e.CheckConfig(config)
	if !isForm(r) {
		writeJSON(w, http.StatusOK, map[string]string{"errMsg": result})
		return
	}
	v := view{Chinese: chinese(r)}
	v.Data = struct {
		JSConfig
		Result string
	}{config, result}
	render("jssdk.html", http.StatusOK, v).send(w)
}
