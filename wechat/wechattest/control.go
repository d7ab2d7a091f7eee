package wechattest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ControlPath is the prefix of the control API and its page, which WeChat does
// not have.
//
// GET answers JSON: state (everything below at once), requests, switches.
// POST takes JSON or, but for accounts and visitors, a form:
//
//	phone           {"visitor": "lihua"}
//	answer          {"answer": "decline"}
//	clock           {"advance": "5m"}
//	accounts        an Account, added or replaced
//	visitors        a Visitor, added or replaced
//	follows         {"appid": …, "visitor": …, "follows": true}
//	followers       {"appid": …, "n": 20000}
//	password        {"visitor": …}: changed
//	tokens/void     {"appid": …}
//	secret/freeze   {"appid": …}
//	switches        {"second_hop": true, …}: those named
//	limits          {"path": …, "per_day": 3, "per_minute": 0}
//	faults          {"path": …, "mode": "errcode", "code": 40029, "times": 1, "delay": "2s", …}
//	faults/clear    {}
//	requests/clear  {}
//	verify          {"url": "https://h5.example.com/MP_verify_x.txt"}: what WeChat would see
//	jssdk           a JSConfig: {"errMsg": "config:ok"}
//
// Cross-origin POSTs are refused.
const ControlPath = "/_emulator/"

// fields are the scalars of a JSON object or form.
type fields url.Values

func (f fields) text(name string) string { return url.Values(f).Get(name) }

func (f fields) number(name string) (int, error) {
	if f.text(name) == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(f.text(name))
	if err != nil {
		return 0, fmt.Errorf("%s: want a whole number", name)
	}
	return n, nil
}

func (f fields) duration(name string) (time.Duration, error) {
	if f.text(name) == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(f.text(name))
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: want a duration such as 90s", name)
	}
	return d, nil
}

// control serves the control API and its pages.
func (e *Emulator) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+ControlPath+"{$}", e.dashboard)
	mux.HandleFunc("GET "+ControlPath+"state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, e.state()) })
	mux.HandleFunc("GET "+ControlPath+"requests", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, e.Requests()) })
	mux.HandleFunc("GET "+ControlPath+"switches", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, e.Switches()) })
	mux.HandleFunc("GET "+ControlPath+"jssdk", e.jssdkPage)

	post := func(name string, f func(fields) error) {
		mux.HandleFunc("POST "+ControlPath+name, func(w http.ResponseWriter, r *http.Request) {
			given, err := readFields(w, r)
			if err == nil {
				err = f(given)
			}
			done(w, r, err)
		})
	}
	post("phone", e.postPhone)
	post("answer", e.postAnswer)
	post("clock", e.postClock)
	post("follows", e.postFollows)
	post("followers", e.postFollowers)
	post("password", e.withVisitor(e.ChangePassword))
	post("tokens/void", e.withAccount(e.VoidTokens))
	post("secret/freeze", e.withAccount(e.FreezeSecret))
	post("limits", e.postLimits)
	post("switches", e.postSwitches)
	post("faults", e.postFault)
	post("faults/clear", func(fields) error { e.ClearFaults(); return nil })
	post("requests/clear", func(fields) error { e.ClearRequests(); return nil })
	mux.HandleFunc("POST "+ControlPath+"accounts", func(w http.ResponseWriter, r *http.Request) { done(w, r, set(w, r, e.SetAccount)) })
	mux.HandleFunc("POST "+ControlPath+"visitors", func(w http.ResponseWriter, r *http.Request) { done(w, r, set(w, r, e.SetVisitor)) })
	mux.HandleFunc("POST "+ControlPath+"verify", e.postVerify)
	mux.HandleFunc("POST "+ControlPath+"jssdk", e.postJSSDK)
	return http.NewCrossOriginProtection().Handler(mux)
}

// set decodes one T and hands it over.
func set[T any](w http.ResponseWriter, r *http.Request, f func(T) error) error {
	var value T
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(&value); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return f(value)
}

func isForm(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "application/x-www-form-urlencoded"
}

func readFields(w http.ResponseWriter, r *http.Request) (fields, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	if isForm(r) {
		err := r.ParseForm()
		return fields(r.PostForm), err
	}
	if r.ContentLength == 0 {
		return fields{}, nil
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("body: want a JSON object: %w", err)
	}
	given := fields{}
	for name, value := range object {
		given[name] = []string{fmt.Sprint(value)}
	}
	return given, nil
}

// done answers a POST: a form goes back to the page, a script gets JSON.
func done(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case err != nil:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case isForm(r):
		http.Redirect(w, r, ControlPath, http.StatusSeeOther)
	default:
		writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(v)
}

// state is what GET state answers.
type state struct {
	Now      time.Time `json:"now"`
	Phone    string    `json:"phone"`
	Answer   Answer    `json:"answer"`
	Accounts []Account `json:"accounts"`
	Visitors []Visitor `json:"visitors"`
	Switches Switches  `json:"switches"`
	Faults   []Fault   `json:"faults"`
}

func (e *Emulator) state() state {
	s := state{Accounts: e.Accounts(), Visitors: e.Visitors(), Switches: e.Switches(), Faults: e.Faults()}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Now, s.Phone, s.Answer = e.now(), e.phone, e.answer
	return s
}

var (
	errNoVisitor = errors.New("visitor: there is none with this id")
	errNoAccount = errors.New("appid: there is no such account")
)

func (e *Emulator) withVisitor(f func(string)) func(fields) error {
	return func(given fields) error {
		e.mu.Lock()
		known := e.visitor(given.text("visitor")) != nil
		e.mu.Unlock()
		if !known {
			return errNoVisitor
		}
		f(given.text("visitor"))
		return nil
	}
}

func (e *Emulator) withAccount(f func(string)) func(fields) error {
	return func(given fields) error {
		e.mu.Lock()
		known := e.account(given.text("appid")) != nil
		e.mu.Unlock()
		if !known {
			return errNoAccount
		}
		f(given.text("appid"))
		return nil
	}
}

func (e *Emulator) postPhone(given fields) error { return e.withVisitor(e.HoldPhone)(given) }

func (e *Emulator) postAnswer(given fields) error {
	a := Answer(given.text("answer"))
	if !a.valid() {
		return fmt.Errorf("answer: want agree, ask, decline, decline-silent or snapshot")
	}
	e.SetAnswer(a)
	return nil
}

func (e *Emulator) postClock(given fields) error {
	d, err := given.duration("advance")
	e.Advance(d)
	return err
}

func (e *Emulator) postFollows(given fields) error {
	follows, err := strconv.ParseBool(given.text("follows"))
	if err != nil {
		return fmt.Errorf("follows: want true or false")
	}
	return e.withAccount(func(appID string) {
		e.SetFollows(appID, given.text("visitor"), follows)
	})(given)
}

func (e *Emulator) postFollowers(given fields) error {
	n, err := given.number("n")
	if err != nil {
		return err
	}
	return e.withAccount(func(appID string) { e.SetFollowers(appID, n) })(given)
}

func (e *Emulator) postLimits(given fields) error {
	perDay, err := given.number("per_day")
	perMinute, err2 := given.number("per_minute")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	e.SetLimit(given.text("path"), Limit{PerDay: perDay, PerMinute: perMinute})
	return nil
}
