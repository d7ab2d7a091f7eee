package wechattest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// ControlPath is the prefix of the control API and its page. WeChat has neither.
//
// GET returns JSON: state (everything below at once), requests, switches, faults.
// DELETE empties a list: faults, requests. POST takes JSON or, except for accounts
// and visitors, a form:
//
//	phone           {"visitor": "lihua"}
//	answer          {"answer": "decline"}
//	clock           {"advance": "5m"}
//	accounts        an Account, added or replaced
//	visitors        a Visitor, added or replaced
//	follows         {"appid": …, "visitor": …, "follows": true}
//	followers       {"appid": …, "n": 20000}
//	password        {"visitor": …}: has changed
//	tokens/void     {"appid": …}
//	secret/freeze   {"appid": …}
//	switches        {"second_hop": true, …}: changes only those given
//	limits          {"path": …, "per_day": 3, "per_minute": 0}
//	faults          {"path": …, "mode": "errcode", "code": 40029, "times": 1, "delay": "2s", …}
//	faults/clear    {}: as DELETE faults
//	requests/clear  {}: as DELETE requests
//	verify          {"url": "https://h5.example.com/MP_verify_x.txt"}: returns a Verification
//	jssdk           a JSConfig: returns {"errMsg": "config:ok"}
//
// Cross-origin POST and DELETE are refused.
const ControlPath = "/_emulator/"

// control is the control API and its pages.
type control struct{ *Emulator }

func (c control) handler() http.Handler {
	mux := http.NewServeMux()
	get := func(name string, f http.HandlerFunc) { mux.HandleFunc("GET "+ControlPath+name, f) }
	get("{$}", c.dashboard)
	get("state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.state()) })
	get("requests", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Requests()) })
	get("switches", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Switches()) })
	get("faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, append([]Fault{}, c.Faults()...)) // [] if there is none
	})
	get("jssdk", c.jssdkPage)
	mux.HandleFunc("GET "+FollowPicturePath, followPicture)

	mux.HandleFunc("DELETE "+ControlPath+"faults", formHandler(c.clearFaults))
	mux.HandleFunc("DELETE "+ControlPath+"requests", formHandler(c.clearRequests))

	post := func(name string, f http.HandlerFunc) { mux.HandleFunc("POST "+ControlPath+name, f) }
	post("phone", formHandler(c.withVisitor(c.HoldPhone)))
	post("answer", formHandler(c.postAnswer))
	post("clock", formHandler(c.postClock))
	post("accounts", jsonHandler(c.SetAccount))
	post("visitors", jsonHandler(c.SetVisitor))
	post("follows", formHandler(c.postFollows))
	post("followers", formHandler(c.postFollowers))
	post("password", formHandler(c.withVisitor(c.ChangePassword)))
	post("tokens/void", formHandler(c.withAccount(c.VoidTokens)))
	post("secret/freeze", formHandler(c.withAccount(c.FreezeSecret)))
	post("switches", formHandler(c.postSwitches))
	post("limits", formHandler(c.postLimits))
	post("faults", formHandler(c.postFault))
	post("faults/clear", formHandler(c.clearFaults))
	post("requests/clear", formHandler(c.clearRequests))
	post("verify", postVerify)
	post("jssdk", c.postJSSDK)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (c control) clearFaults(fields) error   { c.ClearFaults(); return nil }
func (c control) clearRequests(fields) error { c.ClearRequests(); return nil }

// withVisitor calls f with the id of a visitor who exists.
func (c control) withVisitor(f func(string)) func(fields) error {
	return func(given fields) error {
		c.mu.Lock()
		known := c.visitors.find(given.text("visitor")) != nil
		c.mu.Unlock()
		if !known {
			return errors.New("visitor: there is none with this id")
		}
		f(given.text("visitor"))
		return nil
	}
}

// withAccount calls f with the AppID of an account that exists.
func (c control) withAccount(f func(string)) func(fields) error {
	return func(given fields) error {
		c.mu.Lock()
		known := c.accounts.find(given.text("appid")) != nil
		c.mu.Unlock()
		if !known {
			return errors.New("appid: there is no account with this AppID")
		}
		f(given.text("appid"))
		return nil
	}
}

func (c control) postAnswer(given fields) error {
	a := Answer(given.text("answer"))
	if !a.valid() {
		return errors.New("answer: want agree, ask, decline, decline-silent or snapshot")
	}
	c.SetAnswer(a)
	return nil
}

func (c control) postClock(given fields) error {
	d, err := given.duration("advance")
	c.Advance(d)
	return err
}

func (c control) postFollows(given fields) error {
	follows, err := strconv.ParseBool(given.text("follows"))
	if err != nil {
		return errors.New("follows: want true or false")
	}
	return c.withAccount(func(appID string) { c.SetFollows(appID, given.text("visitor"), follows) })(given)
}

func (c control) postFollowers(given fields) error {
	n, err := given.number("n")
	if err != nil {
		return err
	}
	return c.withAccount(func(appID string) { c.SetFollowers(appID, n) })(given)
}

func (c control) postLimits(given fields) error {
	perDay, err := given.number("per_day")
	perMinute, err2 := given.number("per_minute")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	c.SetLimit(given.text("path"), Limit{PerDay: perDay, PerMinute: perMinute})
	return nil
}

// postSwitches changes the switches that are given.
func (c control) postSwitches(given fields) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	named := c.switches.named()
	for name := range given {
		on, err := strconv.ParseBool(given.text(name))
		if _, known := named[name]; !known || err != nil {
			return fmt.Errorf("switch %q: want the name of a switch, and true or false", name)
		}
		named[name] = on
	}
	return c.switches.set(named)
}

func (c control) postFault(given fields) error {
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
		return errors.New("status: want 200 to 599")
	}
	c.Fault(f)
	return nil
}

// postVerify returns what WeChat would get for a verification file.
func postVerify(w http.ResponseWriter, r *http.Request) {
	given, err := readFields(w, r)
	if err != nil {
		done(w, r, err)
		return
	}
	seen, err := FetchVerification(r.Context(), given.text("url"))
	if err != nil {
		done(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, seen)
}
