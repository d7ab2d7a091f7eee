package wechat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const listPath = "/cgi-bin/user/get"

func TestFollowers(t *testing.T) {
	t.Parallel()
	for followers, calls := range map[int]int{0: 1, 1: 1, 9_999: 1, 10_000: 2, 10_001: 2, 20_000: 3} {
		t.Run(fmt.Sprint(followers), func(t *testing.T) {
			t.Parallel()
			e, s := newWeChat(t, false)
			e.SetFollowers(wechattest.StockAppID, followers)
			seen := map[string]bool{}
			var order []string
			for openID, err := range s.Followers(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				if seen[openID] {
					t.Fatal("an openid came twice")
				}
				seen[openID] = true
				order = append(order, openID)
			}
			if len(order) != followers {
				t.Errorf("%d followers, want %d", len(order), followers)
			}
			wantCalls(t, e, listPath, calls)

			pages := s.FollowerPages(t.Context(), "")
			for range 2 { // each loop starts at the beginning
				given := 0
				for page, err := range pages {
					if err != nil || page.Total != followers || len(page.OpenIDs) == 0 {
						t.Fatalf("page of %d openids, total %d, %v; want a total of %d", len(page.OpenIDs), page.Total, err, followers)
					}
					given += len(page.OpenIDs)
				}
				if given != followers {
					t.Errorf("%d followers on pages, want %d", given, followers)
				}
			}
			if followers < 2 {
				return
			}
			middle := followers / 3
			var rest []string
			for openID, err := range s.Followers(t.Context(), order[middle]) {
				if err != nil {
					t.Fatal(err)
				}
				rest = append(rest, openID)
			}
			if diff := cmp.Diff(order[middle+1:], rest); diff != "" {
				t.Errorf("resumed run differs (-want +got):\n%.500s", diff)
			}
		})
	}
}

func TestFollowersStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	e.SetFollowers(wechattest.StockAppID, 20_000)
	n := 0
	for range s.Followers(t.Context(), "") {
		if n++; n == 10_000 {
			break
		}
	}
	wantCalls(t, e, listPath, 1)
}

func TestFollowersRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*wechattest.Emulator)
		after   string
		given   int // openids before the error
		want    string
	}{
		{"unknown openid", func(*wechattest.Emulator) {}, "oNobody", 0, "40003"},
		{"daily quota", func(e *wechattest.Emulator) { e.SetLimit(listPath, wechattest.Limit{PerDay: 2}) }, "", 20_000, "45009"},
		{"no right", func(e *wechattest.Emulator) {
			a := wechattest.StockAccount()
			a.Verified = false
			e.SetAccount(a)
		}, "", 0, "48001"},
		{"away", func(e *wechattest.Emulator) {
			e.Fault(wechattest.Fault{Path: listPath, Mode: wechattest.FaultTruncated})
		}, "", 0, "away"},
		{"too big", func(e *wechattest.Emulator) {
			e.Fault(wechattest.Fault{Path: listPath, Mode: wechattest.FaultHuge})
		}, "", 0, "away"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, s := newWeChat(t, false)
			e.SetFollowers(wechattest.StockAppID, 30_000)
			test.prepare(e)
			given, got := 0, "no error"
			for _, err := range s.Followers(t.Context(), test.after) {
				if err == nil {
					given++
					continue
				}
				got = outcome(false, err)
				checkErrorText(t, err, "oNobody")
			}
			if given != test.given || got != test.want {
				t.Errorf("%d followers and %s, want %d and %s", given, got, test.given, test.want)
			}
		})
	}
}

func TestFollowersOutliveTheToken(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	e.SetFollowers(wechattest.StockAppID, 30_000)
	n := 0
	for _, err := range s.Followers(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 15_000 {
			e.VoidTokens(wechattest.StockAppID)
		}
	}
	if n != 30_000 {
		t.Errorf("%d followers, want 30000", n)
	}
	wantCalls(t, e, stablePath, 2)
}

// fullPage is a page of n openids that begin with prefix.
func fullPage(prefix string, n, total int, next string) string {
	openIDs := make([]string, n)
	for i := range openIDs {
		openIDs[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	page, _ := json.Marshal(map[string]any{
		"total": total, "count": n, "data": map[string]any{"openid": openIDs}, "next_openid": next,
	})
	return string(page)
}

// paging returns a source whose list calls get these pages in turn, and then the
// last one for ever.
func paging(pages ...string) (s *wechat.TokenSource, asked *[]string) {
	asked = new([]string)
	c := &wechat.Client{}
	s = withToken(c)
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		page := pages[min(len(*asked), len(pages)-1)]
		*asked = append(*asked, r.URL.Query().Get("next_openid"))
		return answering(200, page).RoundTrip(r)
	})
	return s, asked
}

func TestFollowerPageAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("o", 129)
	end := `{"total":20000,"count":0,"next_openid":""}`
	full := func(prefix, next string) string { return fullPage(prefix, 10_000, 20_000, next) }
	tests := []struct {
		name  string
		pages []string
		given int
		fails bool
		calls int
	}{
		{"nobody", []string{`{"total":0,"count":0,"next_openid":""}`}, 0, false, 1},
		{"nobody, with data", []string{`{"total":0,"count":0,"data":{"openid":[]},"next_openid":""}`}, 0, false, 1},
		{"nobody, with null", []string{`{"total":0,"count":0,"data":null,"next_openid":null}`}, 0, false, 1},
		{"numbers in quotes", []string{`{"total":"1","count":"1","data":{"openid":["oA"]},"next_openid":"oA"}`}, 1, false, 1},
		{"next_openid missing", []string{`{"total":1,"count":1,"data":{"openid":["oA"]}}`}, 1, false, 1},
		{"next_openid is not the last", []string{full("oA", "oX"), full("oB", "oY"), end}, 20_000, false, 3},
		{"full page without next_openid", []string{full("oA", ""), full("oB", ""), end}, 20_000, false, 3},
		{"shrinking list", []string{full("oA", "oX"), fullPage("oB", 5, 5, "oB4")}, 10_005, false, 2},

		{"empty object", []string{`{}`}, 0, true, 1},
		{"no total", []string{`{"count":0}`}, 0, true, 1},
		{"no count", []string{`{"total":1,"data":{"openid":["oA"]},"next_openid":"oA"}`}, 0, true, 1},
		{"count without data", []string{`{"total":1,"count":1,"next_openid":"oA"}`}, 0, true, 1},
		{"data without count", []string{`{"total":1,"count":0,"data":{"openid":["oA"]},"next_openid":"oA"}`}, 0, true, 1},
		{"count too large", []string{`{"total":2,"count":2,"data":{"openid":["oA"]},"next_openid":"oA"}`}, 0, true, 1},
		{"negative count", []string{`{"total":2,"count":-1,"next_openid":""}`}, 0, true, 1},
		{"more than total", []string{`{"total":0,"count":1,"data":{"openid":["oA"]},"next_openid":"oA"}`}, 0, true, 1},
		{"empty openid", []string{`{"total":1,"count":1,"data":{"openid":[""]},"next_openid":""}`}, 0, true, 1},
		{"openid null", []string{`{"total":1,"count":1,"data":{"openid":[null]},"next_openid":""}`}, 0, true, 1},
		{"openid with a line break", []string{`{"total":1,"count":1,"data":{"openid":["o\n"]},"next_openid":""}`}, 0, true, 1},
		{"openid too long", []string{`{"total":1,"count":1,"data":{"openid":["` + long + `"]},"next_openid":""}`}, 0, true, 1},
		{"openid a number", []string{`{"total":1,"count":1,"data":{"openid":[7]},"next_openid":""}`}, 0, true, 1},
		{"next_openid too long", []string{`{"total":0,"count":0,"next_openid":"` + long + `"}`}, 0, true, 1},
		{"data a list", []string{`{"total":1,"count":1,"data":["oA"],"next_openid":"oA"}`}, 0, true, 1},
		{"the same page for ever", []string{full("oA", "oA9999")}, 10_000, true, 2},
		{"the same page for ever, next_openid missing", []string{full("oA", "")}, 10_000, true, 2},
		{"circle", []string{full("oA", "oX"), full("oB", "oY"), full("oC", "oX")}, 20_000, true, 3},
		{"back to the start", []string{full("oA", "oX"), full("oB", "oStart")}, 10_000, true, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, asked := paging(test.pages...)
			given, failed := 0, false
			for openID, err := range s.Followers(t.Context(), "oStart") {
				if err != nil {
					failed = true
					if strings.Contains(err.Error(), "oA") || strings.Contains(err.Error(), "oStart") || outcome(false, err) != "away" {
						t.Errorf("error %v shows an openid or is a refusal", err)
					}
					continue
				}
				if openID == "" {
					t.Error("an empty openid")
				}
				given++
			}
			if given != test.given || failed != test.fails || len(*asked) != test.calls {
				t.Errorf("%d openids, failed %t, %d calls; want %d, %t, %d", given, failed, len(*asked), test.given, test.fails, test.calls)
			}
		})
	}
}

// A list that gives new openids for ever ends with an error.
func TestFollowersWithoutEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	c := &wechat.Client{}
	s := withToken(c)
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		calls++
		return answering(200, fullPage(fmt.Sprint("o", calls, "-"), 10_000, 20_000, "")).RoundTrip(r)
	})
	var last error
	for _, last = range s.Followers(t.Context(), "") {
		if calls > 100 {
			t.Fatal("no end")
		}
	}
	if last == nil || calls != 6 {
		t.Errorf("ended with %v after %d calls, want an error after 6", last, calls)
	}
}

// The longest page is within the size limit of a response, even with openids of
// three times the usual length.
func TestLongestFollowerPage(t *testing.T) {
	t.Parallel()
	s, _ := paging(fullPage(strings.Repeat("o", 80), 10_000, 10_000, ""), `{"total":10000,"count":0}`)
	n := 0
	for _, err := range s.Followers(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 10_000 {
		t.Errorf("%d followers, want 10000", n)
	}
}

// For every page: the loop ends, gives only usable openids, and no error shows an
// openid.
func FuzzFollowers(f *testing.F) {
	f.Add([]byte(`{"total":2,"count":2,"data":{"openid":["oA","oB"]},"next_openid":"oB"}`))
	f.Add([]byte(`{"total":2,"count":0,"next_openid":""}`))
	f.Add([]byte(`{"total":"1","count":"1","data":{"openid":["PLANTED-OPENID"]},"next_openid":"PLANTED-OPENID"}`))
	f.Add([]byte(fullPage("o", 10_000, 10_000, "")))
	f.Fuzz(func(t *testing.T, page []byte) {
		s, asked := paging(string(page))
		given := 0
		for openID, err := range s.Followers(t.Context(), "PLANTED-OPENID") {
			if err != nil {
				checkErrorText(t, err, "PLANTED-OPENID", "planted-token")
				continue
			}
			given++
			if openID == "" || len(openID) > 128 || strings.ContainsFunc(openID, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("openid %q", openID)
			}
		}
		if len(*asked) > 2 {
			t.Errorf("%d calls for the same page, %d openids", len(*asked), given)
		}
	})
}
