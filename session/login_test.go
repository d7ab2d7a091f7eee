package session_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

func TestStateForm(t *testing.T) {
	t.Parallel()
	state := session.NewState()
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(state) || state == session.NewState() {
		t.Errorf("NewState() = %q, want 32 random hexadecimal digits", state)
	}
}

// A login is written in the lowest version that holds it, which the oldest
// releases can read.
func TestLoginForms(t *testing.T) {
	t.Parallel()
	const state, siteState = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	const began = "\x80\xd0\x95\xff\xbc\x31" // 1,700,000,000,000 milliseconds
	const scope = "\x0bsnsapi_base"
	tests := []struct {
		name             string
		appID, siteState string
		returnTo         string
		want             string
	}{
		{"own", "", "", "/x", "\x01\x00\x02" + began + "\x20" + state + scope + "\x02/x"},
		{"another account", "wx01", "", "/x", "\x02\x00\x02" + began + "\x20" + state + scope + "\x02/x\x04wx01"},
		{"another site", "", siteState, "https://b.cn/", "\x03\x00\x02" + began + "\x20" + state + scope +
			"\x0dhttps://b.cn/\x00\x20" + siteState},
		{"another site and account", "wx01", siteState, "https://b.cn/", "\x03\x00\x02" + began + "\x20" + state + scope +
			"\x0dhttps://b.cn/\x04wx01\x20" + siteState},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			login := session.Login{
				State: state, ReturnTo: test.returnTo, Scope: "snsapi_base", AppID: test.appID, SiteState: test.siteState,
				Attempts: 2, BeganAt: time.UnixMilli(1_700_000_000_000),
			}
			if data, err := login.MarshalBinary(); err != nil || string(data) != test.want {
				t.Errorf("written as %q (%v), want %q", data, err, test.want)
			}
			got := session.Login{AppID: "left over", SiteState: "left over"}
			if err := got.UnmarshalBinary([]byte(test.want)); err != nil {
				t.Fatalf("%q is not read: %v", test.want, err)
			}
			if diff := cmp.Diff(login, got); diff != "" {
				t.Errorf("read back differently (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedLogin(t *testing.T) {
	t.Parallel()
	login := session.Login{State: session.NewState(), ReturnTo: "https://b.cn/", SiteState: session.NewState()}
	whole, err := login.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	inVersion := func(v byte) []byte { return append([]byte{v}, whole[1:]...) }
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"version 0", inVersion(0)},
		{"version 4", inVersion(4)},
		{"another site's as an own one", inVersion(1)},
		{"another site's without its state", inVersion(2)},
		{"truncated", whole[:len(whole)-1]},
		{"lengthened", append(inVersion(3), 0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var l session.Login
			if l.UnmarshalBinary(test.in) == nil {
				t.Errorf("%x is read as %+v, want an error", test.in, l)
			}
		})
	}
}

func FuzzLoginBinary(f *testing.F) {
	for _, login := range []session.Login{
		{State: session.NewState(), ReturnTo: "/x"},
		{State: session.NewState(), ReturnTo: "/x", AppID: "wx0123456789abcdef"},
		{State: session.NewState(), ReturnTo: "https://b.cn/", SiteState: session.NewState()},
	} {
		seed, _ := login.MarshalBinary()
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var l session.Login
		if l.UnmarshalBinary(data) != nil {
			return
		}
		again, err := l.MarshalBinary()
		var same session.Login
		if err != nil || same.UnmarshalBinary(again) != nil || !cmp.Equal(l, same) {
			t.Errorf("%x is read as %+v, which is written as %x", data, l, again)
		}
	})
}
