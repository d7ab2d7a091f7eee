package wechattest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestControl(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Clock: still})
	const stock = wechattest.StockAppID
	token := e.stable(false).text("access_token")
	for _, test := range []struct {
		path, body string
		holds      func() bool
	}{
		{"phone", `{"visitor":"tom"}`, func() bool {
			return e.exchange(e.login("snsapi_base", nil)).text("openid") == e.OpenID(stock, "tom")
		}},
		{"answer", `{"answer":"decline"}`, func() bool { return e.openAuthorize(nil).header.Get("Location") == site+"?state=s1" }},
		{"clock", `{"advance":"90s"}`, func() bool { return e.Now().Equal(still().Add(90 * time.Second)) }},
		{"accounts", `{"appid":"wx1","secret":"s","kind":"service","verified":true,"callback_domains":["a.cn"]}`, func() bool { return e.Accounts()[2].AppID == "wx1" }},
		{"visitors", `{"id":"new","nickname":"新","follower_of":["` + stock + `"]}`, func() bool { return e.Visitors()[6].Nickname == "新" }},
		{"follows", `{"appid":"` + stock + `","visitor":"new","follows":false}`, func() bool { return len(e.Visitors()[6].FollowerOf) == 0 }},
		{"followers", `{"appid":"` + stock + `","n":20000}`, func() bool { return e.page(token, "").Total == 20000 }},
		{"password", `{"visitor":"tom"}`, func() bool { return true }},
		{"tokens/void", `{"appid":"` + stock + `"}`, func() bool { return e.works(token) == 40001 }},
		{"secret/freeze", `{"appid":"` + stock + `"}`, func() bool { return e.stable(false).code() == 40243 }},
		{"switches", `{"second_hop":true,"old_hints":true}`, func() bool {
			return e.Switches() == wechattest.Switches{SecondHop: true, OldHints: true}
		}},
		{"switches", `{"second_hop":false}`, func() bool { return e.Switches() == wechattest.Switches{OldHints: true} }},
		{"limits", `{"path":"/sns/auth","per_minute":1}`, func() bool { return true }},
		{"faults", `{"path":"/sns/auth","mode":"slow-body","times":3,"delay":"2s","code":7,"status":503,"message":"m","appid":"a"}`, func() bool {
			return e.Faults()[0] == wechattest.Fault{Path: "/sns/auth", AppID: "a", Times: 3, Mode: wechattest.FaultSlowBody, Delay: 2 * time.Second, Code: 7, Status: 503, Message: "m"}
		}},
		{"faults/clear", ``, func() bool { return len(e.Faults()) == 0 }},
		{"requests/clear", `{}`, func() bool { return len(e.Requests()) == 0 }},
	} {
		a := e.post("/_emulator/"+test.path, test.body)
		if a.status != 200 || a.body != "{\"ok\":true}\n" || !test.holds() {
			t.Errorf("POST %s %s = %d %s, want ok and its effect", test.path, test.body, a.status, a.body)
		}
	}

	for _, test := range []struct{ path, body, want string }{
		{"phone", `{"visitor":"x"}`, "visitor"},
		{"phone", `[`, "JSON"},
		{"answer", `{"answer":"x"}`, "decline-silent"},
		{"clock", `{"advance":"-1h"}`, "advance"},
		{"accounts", `{"appid":"wx1"}`, "secret"},
		{"visitors", `{"nickname":"x"}`, "id"},
		{"visitors", `x`, "body"},
		{"follows", `{"appid":"` + stock + `","visitor":"tom"}`, "follows"},
		{"followers", `{"appid":"x","n":1}`, "appid"},
		{"followers", `{"appid":"` + stock + `","n":"many"}`, "number"},
		{"tokens/void", `{}`, "appid"},
		{"switches", `{"x":true}`, "x"},
		{"switches", `{"second_hop":"perhaps"}`, "second_hop"},
		{"limits", `{"per_day":"x"}`, "per_day"},
		{"faults", `{"mode":"x"}`, "mode"},
		{"faults", `{"mode":"status","status":99}`, "status"},
		{"faults", `{"mode":"hang","times":"x"}`, "times"},
		{"verify", `{"url":"ftp://x"}`, "http"},
	} {
		a := e.post("/_emulator/"+test.path, test.body)
		if a.status != 400 || !strings.Contains(a.text("error"), test.want) {
			t.Errorf("POST %s %s = %d %s, want 400 and a word about %q", test.path, test.body, a.status, a.body, test.want)
		}
	}

	var state struct {
		Phone    string
		Visitors []wechattest.Visitor
		Switches wechattest.Switches
	}
	a := e.get("/_emulator/state")
	if err := json.Unmarshal([]byte(a.body), &state); err != nil || state.Phone != "tom" || len(state.Visitors) != 7 || !state.Switches.OldHints {
		t.Errorf("state = %s (%v)", a.body, err)
	}
	e.get("/sns/auth", "openid", "o1")
	var requests []wechattest.Request
	a = e.get("/_emulator/requests")
	if err := json.Unmarshal([]byte(a.body), &requests); err != nil || len(requests) != 1 || requests[0].Query.Get("openid") != "o1" || requests[0].Errcode != 41001 {
		t.Errorf("requests = %s (%v), want one to /sns/auth", a.body, err)
	}
}

func TestControlForms(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	a := e.do("POST", "/_emulator/phone", "visitor=alice", form)
	if a.status != 303 || a.header.Get("Location") != "/_emulator/" {
		t.Errorf("form = %d to %q, want back to the page", a.status, a.header.Get("Location"))
	}
	e.do("POST", "/_emulator/faults", "path=%2Fsns%2Fauth&mode=errcode&code=&times=2&delay=", form)
	e.get("/sns/auth", "q", "<script>")
	page := e.get("/_emulator/").body
	for _, want := range []string{
		"张爱丽", "使用中", wechattest.StockAppSecret, "/sns/auth", "q=&lt;script&gt;", "second_hop",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, origin := range []string{"http://evil.cn", "null"} {
		header := http.Header{"Origin": {origin}, "Content-Type": form["Content-Type"]}
		if a := e.do("POST", "/_emulator/phone", "visitor=tom", header); a.status != 403 {
			t.Errorf("POST from %s = %d, want 403", origin, a.status)
		}
	}
	if a := e.get("/_emulator/phone"); a.status != 405 {
		t.Errorf("GET of a mutation = %d, want 405", a.status)
	}
	if a := e.get("/_emulator/x"); a.status != 404 {
		t.Errorf("unknown page = %d, want 404", a.status)
	}
}

func TestFetchVerification(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/MP_verify_good.txt", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "good") })
	mux.HandleFunc("/MP_verify_other.txt", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "good") })
	mux.HandleFunc("/MP_verify_login.txt", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	server := httptest.NewServer(mux)
	defer server.Close()
	e := newEmulator(t, wechattest.Config{})
	for name, want := range map[string]string{
		"MP_verify_good.txt": "", "MP_verify_other.txt": "content", "MP_verify_login.txt": "redirects", "MP_verify_x.txt": "404", "robots.txt": "MP_verify_",
	} {
		seen, err := wechattest.FetchVerification(t.Context(), server.URL+"/"+name)
		if err != nil || (want == "") != (seen.Problem == "") || !strings.Contains(seen.Problem, want) {
			t.Errorf("%s: %+v, %v, want a problem with %q", name, seen, err, want)
		}
	}
	a := e.post("/_emulator/verify", fmt.Sprintf(`{"url":%q}`, server.URL+"/MP_verify_good.txt"))
	if a.text("body") != "good" {
		t.Errorf("by the control API = %s, want the body", a.body)
	}
	server.Close()
	if _, err := wechattest.FetchVerification(t.Context(), server.URL+"/MP_verify_good.txt"); err == nil {
		t.Error("a closed server: want an error")
	}
}
