package config_test

import (
	"encoding"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// A text is a test case of a type: in gives want, or an error that contains err.
type text[T any] struct {
	in   string
	want T
	err  string
}

func testTexts[T any](t *testing.T, cases []text[T]) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			var got T
			err := any(&got).(encoding.TextUnmarshaler).UnmarshalText([]byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("UnmarshalText(%q) = %v, want an error with %q", tt.in, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("UnmarshalText(%q): %v", tt.in, err)
			}
			prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
			if diff := cmp.Diff(tt.want, got, prefixes); diff != "" {
				t.Errorf("UnmarshalText(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.ByteSize]{
		{in: "0", want: 0},
		{in: "1500", want: 1500},
		{in: "512KiB", want: 512 << 10},
		{in: "10MiB", want: 10 << 20},
		{in: "1GiB", want: 1 << 30},
		{in: "8589934591GiB", want: 8589934591 << 30},
		{in: "8589934592GiB", err: "expected a whole number of bytes, KiB, MiB or GiB"},
		{in: "9223372036854775808", err: "expected"},
		{in: "10MB", err: "expected a whole number of bytes, KiB, MiB or GiB"},
		{in: "10M", err: "expected"},
		{in: "10mib", err: "expected"},
		{in: "10 MiB", err: "expected"},
		{in: "1.5GiB", err: "expected"},
		{in: "-1", err: "expected"},
		{in: "+1", err: "expected"},
		{in: "KiB", err: "expected"},
		{in: "1KiBKiB", err: "expected"},
		{in: "1_000", err: "expected"},
	})
}

func FuzzByteSize(f *testing.F) {
	for _, seed := range []string{"0", "512KiB", "1GiB", "1023", "9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var got, again config.ByteSize
		if got.UnmarshalText([]byte(in)) != nil {
			return
		}
		if got < 0 {
			t.Errorf("UnmarshalText(%q) = %d", in, int64(got))
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("UnmarshalText(%q) = %d, %v, want %d", got.String(), int64(again), err, int64(got))
		}
	})
}

func TestRate(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[gateway.Rate]{
		{in: "0", want: gateway.Rate{}},
		{in: "600/1m", want: gateway.Rate{Count: 600, Per: time.Minute}},
		{in: "1/1h30m", want: gateway.Rate{Count: 1, Per: 90 * time.Minute}},
		{in: "600", err: "expected count/duration, such as 600/1m or 10/1s, or 0 for no limit"},
		{in: "600/m", err: "expected"},
		{in: "600/60", err: "expected"},
		{in: "600/0s", err: "expected"},
		{in: "600/-1s", err: "expected"},
		{in: "0/1m", err: "expected"},
		{in: "-1/1m", err: "expected"},
		{in: "2147483648/1s", err: "expected"},
		{in: "1/2/3s", err: "expected"},
	})
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.Origins]{
		{in: "https://Shop1.cn , http://shop2.cn:81/", want: config.Origins{{Scheme: "https", Host: "shop1.cn"}, {Scheme: "http", Host: "shop2.cn:81"}}},
		{in: "https://shop.cn,http://shop.cn", want: config.Origins{{Scheme: "https", Host: "shop.cn"}, {Scheme: "http", Host: "shop.cn"}}},
		{in: "https://a.cn,https://b.cn,https://A.cn:443", err: "items 1 and 3 of the list are the same origin"},
		{in: "https://a.cn,b,https://a.cn,", err: "item 2 of the list: expected a URL that begins with http:// or https://; item 4 of the list is empty; items 1 and 3 of the list are the same origin"},
		{in: "https://a.cn,b.cn", err: "item 2 of the list: expected a URL that begins with http:// or https://"},
		{in: "https://*.a.cn", err: "item 1 of the list: expected a host"},
		{in: "https://a.cn,", err: "item 2 of the list is empty"},
	})
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.BaseURL]{
		{in: "https://api.weixin.qq.com", want: "https://api.weixin.qq.com"},
		{in: "https://api.weixin.qq.com/", want: "https://api.weixin.qq.com"},
		{in: "http://127.0.0.1:8081/wechat/", want: "http://127.0.0.1:8081/wechat"},
		{in: "api.weixin.qq.com", err: "expected a URL that begins with http:// or https://"},
		{in: "http://a/b?c", err: "without query"},
		{in: "http://a/b#c", err: "without query and fragment"},
		{in: "http://u:p@a/b", err: "without user name"},
		{in: "http://a/b/../c", err: "expected a clean path"},
		{in: "http://a//", err: "expected a clean path"},
		{in: "http://a/%41", err: "expected a clean path"},
	})
}

func TestHostList(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.HostList]{
		{in: "Shop.example.com , 127.0.0.1:8080,[::1]:80", want: config.HostList{"shop.example.com", "127.0.0.1:8080", "[::1]:80"}},
		{in: "shop.example.com,", err: "item 2 of the list is empty"},
		{in: "*.example.com", err: "item 1 of the list: expected a host"},
		{in: "https://shop.example.com", err: "item 1 of the list: expected a"},
		{in: "shop.example.com/a", err: "expected a host"},
		{in: "a,shop.example.com:https", err: "item 2 of the list: expected a port"},
	})
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	p := netip.MustParsePrefix
	testTexts(t, []text[config.Prefixes]{
		{in: "10.0.0.0/8, fd00::/8", want: config.Prefixes{p("10.0.0.0/8"), p("fd00::/8")}},
		{in: "192.0.2.1,::1", want: config.Prefixes{p("192.0.2.1/32"), p("::1/128")}},
		{in: "10.1.2.3/8", want: config.Prefixes{p("10.0.0.0/8")}},
		{in: "::ffff:192.0.2.1", want: config.Prefixes{p("192.0.2.1/32")}},
		{in: "::ffff:10.0.0.0/104", err: "expected a CIDR or an address"},
		{in: "10.0.0.0/33", err: "item 1 of the list: expected a CIDR or an address, such as 10.0.0.0/8 or 192.0.2.1"},
		{in: "::1,fe80::1%eth0", err: "item 2 of the list: expected a CIDR"},
		{in: "proxy", err: "expected a CIDR"},
		{in: ",", err: "item 1 of the list is empty"},
	})
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.Patterns]{
		{in: "/static/, GET  /news/{id} ,/favicon.ico", want: config.Patterns{"/static/", "GET /news/{id}", "/favicon.ico"}},
		{in: "/,/{$},/a/{rest...},POST /a/b", want: config.Patterns{"/", "/{$}", "/a/{rest...}", "POST /a/b"}},
		{in: "example.com/", err: "hosts are not matched"},
		{in: "GET example.com/", err: "hosts are not matched"},
		{in: "static", err: "expected a path that begins with /"},
		{in: "GET", err: "expected a path that begins with /"},
		{in: "get /a", err: "expected the method in capital letters"},
		{in: "/a?b=c", err: "query and fragment take no part"},
		{in: "/a/../b", err: "expected a clean path"},
		{in: "/a//", err: "expected a clean path"},
		{in: "/{id", err: "bad wildcard segment (must end with '}')"},
		{in: "/a,/b,/a", want: config.Patterns{"/a", "/b", "/a"}},
		{in: "/{a}/b,/b/{a}", want: config.Patterns{"/{a}/b", "/b/{a}"}},
		{in: "/static/,OPTIONS /", want: config.Patterns{"/static/", "OPTIONS /"}},
		{in: "/a,/static/*", err: "item 2 of the list: a * matches nothing but itself"},
		{in: "/a/:id", err: "item 1 of the list: a : at the beginning of a segment"},
		{in: "/x,/{a}/{a}", err: `item 2 of the list: at offset 5: duplicate wildcard name "a"`},
		{in: "/{$}/a", err: "{$} not at end"},
		{in: "/a,,/b", err: "item 2 of the list is empty"},
	})
}

func FuzzPatterns(f *testing.F) {
	for _, seed := range []string{"/static/", "GET /a/{b}, /{$}", "/{a}/b,/b/{a}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var got, again config.Patterns
		if got.UnmarshalText([]byte(in)) != nil {
			return
		}
		for _, pattern := range got {
			method, path, ok := strings.Cut(pattern, " ")
			if !ok {
				method, path = "", pattern
			}
			if !strings.HasPrefix(path, "/") || strings.ToUpper(method) != method {
				t.Errorf("UnmarshalText(%q) gives the pattern %q", in, pattern)
			}
		}
		joined := strings.Join(got, ",")
		if err := again.UnmarshalText([]byte(joined)); err != nil || !slices.Equal(again, got) {
			t.Errorf("UnmarshalText(%q) = %q, %v, want %q", joined, again, err, got)
		}
	})
}

func TestVerifyFiles(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.VerifyFiles]{
		{in: "abc123, dEf456", want: config.VerifyFiles{"abc123", "dEf456"}},
		{in: strings.Repeat("a", 64), want: config.VerifyFiles{strings.Repeat("a", 64)}},
		{in: strings.Repeat("a", 65), err: "at most 64 letters and digits"},
		{in: "MP_verify_abc123.txt", err: "expected only the part between MP_verify_ and .txt"},
		{in: "../etc", err: "expected only"},
		{in: "abc,", err: "item 2 of the list is empty"},
	})
}
