package wechat_test

import (
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

func TestUserAgent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		in      string
		weChat  bool
		desktop bool
	}{
		{"iOS", "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.42(0x18002a2d) NetType/WIFI Language/en", true, false},
		{"Android", "Mozilla/5.0 (Linux; Android 14; wv) Version/4.0 Chrome/142.0.7444.173 Mobile Safari/537.36 XWEB/1420113 MMWEBSDK/20251006 MicroMessenger/8.0.66.2980(0x280042B2) WeChat/arm64 Weixin NetType/5G", true, false},
		{"other case", "micromessenger/8", true, false},
		{"Windows", "Mozilla/5.0 (Windows NT 10.0) NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541022) XWEB/16467 Flue", true, true},
		{"Mac, old", "Mozilla/5.0 (Macintosh) MicroMessenger/6.8.0(0x16080000) MacWechat/3.0.1(0x13000110) NetType/WIFI WindowsWechat", true, true},
		{"Mac, new", "Mozilla/5.0 (Macintosh) MicroMessenger/6.8.0 MacWechat/3.8.7(0x13080712) UnifiedPCMacWechat(0xf2641c1d) XWEB/16990", true, true},
		{"Mac in other case", "MICROMESSENGER MACWECHAT", true, true},
		{"Linux", "Mozilla/5.0 (X11; Linux x86_64) MicroMessenger/7.0.20 UnifiedPCLinuxWechat(0xf2640702) XWEB/13907", true, true},
		{"mini program on Windows", "Mozilla/5.0 MicroMessenger/7.0.20 MiniProgramEnv/Windows WindowsWechat/WMPF", true, true},
		{"WeCom, phone", "Mozilla/5.0 wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh", false, false},
		{"WeCom, Windows", "Mozilla/5.0 WXWork/4.1.3 (MicroMessenger/6.2) WindowsWechat", false, false},
		{"Chrome", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36", false, false},
		{"none", "", false, false},
	}
	for _, test := range tests {
		if got := wechat.IsWeChat(test.in); got != test.weChat {
			t.Errorf("%s: IsWeChat(%q) = %t, want %t", test.name, test.in, got, test.weChat)
		}
		if got := wechat.IsDesktop(test.in); got != test.desktop {
			t.Errorf("%s: IsDesktop(%q) = %t, want %t", test.name, test.in, got, test.desktop)
		}
	}
}
