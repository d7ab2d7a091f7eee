package wechat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	onWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 "
	onMac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 "
	onLinux   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 "
	onPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
	frozen    = "MicroMessenger/7.0.20.1781(0x6700143B) "
)

var userAgents = []struct {
	name    string
	in      string
	weChat  bool
	desktop bool
}{
	{"iOS", onPhone + "MicroMessenger/8.0.76(0x18004c24) NetType/WIFI Language/zh_CN", true, false},
	{"iOS, old", "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.42(0x18002a2d) NetType/WIFI Language/en", true, false},
	{"Android", wechattest.AgentAndroid, true, false},
	{"HarmonyOS", "Mozilla/5.0 (Phone; OpenHarmony 5.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.10.41(0xf3100a29) Weixin NetType/4G Language/zh_CN MMWEBID/8058 MMWEBSDK/202508070004 XWEB/1140319", true, false},
	{"other case", "micromessenger/8", true, false},
	{"Windows 3", onWindows + "NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) XWEB/8555 Flue", true, true},
	{"Windows 4", onWindows + "NetType/WIFI " + frozen + "WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541a35) XWEB/19977 Flue", true, true},
	{"Windows 4, other order", onWindows + frozen + "NetType/WIFI UnifiedPCWindowsWechat(0xf2541a35) WindowsWechat(0x63090a13) XWEB/19977 Flue", true, true},
	{"Windows 4, the growing mark alone", onWindows + frozen + "UnifiedPCWindowsWechat(0xf2541a35)", true, true},
	{"Mac, old", "Mozilla/5.0 (Macintosh) MicroMessenger/6.8.0(0x16080000) MacWechat/3.0.1(0x13000110) NetType/WIFI WindowsWechat", true, true},
	{"Mac 4", onMac + "NetType/WIFI " + frozen + "MacWechat/3.8.7(0x13080712) UnifiedPCMacWechat(0xf26411f0) XWEB/16512 Flue", true, true},
	{"Mac in other case", "MICROMESSENGER MACWECHAT", true, true},
	{"Linux 4", onLinux + frozen + "WindowsWechat(0x63090a13) UnifiedPCLinuxWechat(0xf2741107) XWEB/14978", true, true},
	{"Linux without WindowsWechat", onLinux + "MicroMessenger/7.0.20 UnifiedPCLinuxWechat(0xf2640702) XWEB/13907", true, true},
	{"a desktop to come", frozen + "unifiedpcharmonywechat(0xf3)", true, true},
	{"mini program, Windows", onWindows + frozen + "NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13) XWEB/8555", true, true},
	{"mini program, Linux", onLinux + frozen + "MiniProgramEnv/Windows WindowsWechat/WMPF", true, true},
	{"mini program, Mac", onMac + frozen + "MiniProgramEnv/Mac MacWechat/WMPF MacWechat/3.8.7(0x13080712)", true, true},
	{"mini program, Android", wechattest.AgentAndroid + " MiniProgramEnv/android", true, false},
	{"web-view, Android", wechattest.AgentAndroid + " miniProgram/wx0123456789abcdef", true, false},
	{"web-view, iOS", onPhone + "MicroMessenger/8.0.76(0x18004c24) NetType/WIFI Language/zh_CN miniProgram", true, false},
	{"web-view, Windows", wechattest.AgentWindows + " miniProgram/wx0123456789abcdef", true, true},
	{"developer tools", onPhone + "wechatdevtools/2.01.2510290 MicroMessenger/8.0.5 Language/zh_CN webview/ hash/1 sid/2 token/" + strings.Repeat("0", 200), true, false},
	{"WeCom, iPhone", "Mozilla/5.0 wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh", false, false},
	{"WeCom, Android", "Mozilla/5.0 (Linux; Android 14; wv) XWEB/1 MMWEBSDK/20250202 MMWEBID/1 wxwork/5.0.6 MicroMessenger/7.0.1 NetType/WIFI Language/zh Lang/zh ColorScheme/Light wwmver/3.26.506.647", false, false},
	{"WeCom, Windows", onWindows + "Language/zh ColorScheme/Light wxwork/5.0.11 (MicroMessenger/6.2) WindowsWechat MailPlugin_Electron WeMail embeddisk wwmver/3.26", false, false},
	{"WeCom, Windows, other case", "Mozilla/5.0 WXWork/4.1.3 (MicroMessenger/6.2) WindowsWechat", false, false},
	{"WeCom, Mac", onMac + "wxwork/5.0.8 MicroMessenger/7.0.0(0x17000000) MacWechat/5.0.8(0x1)", false, false},
	{"WeCom, Mac without MicroMessenger", onMac + "wxwork/5.0.8 WeChat/2.0.4 wwmver/3.26.508", false, false},
	{"WeCom, mini program", "wxwork/5.0.6.66174 MicroMessenger/8.0.28.48(0x1) MiniProgramEnv/android Luggage/3", false, false},
	{"Chrome", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36", false, false},
	{"the network's name", "Mozilla/5.0 Weixin NetType/WIFI", false, false},
	{"none", "", false, false},
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	for _, test := range userAgents {
		words := strings.Fields(test.in)
		slices.Reverse(words) // the order of the marks varies
		for _, in := range []string{test.in, strings.Join(words, " "), strings.ToUpper(test.in)} {
			if got := wechat.IsWeChat(in); got != test.weChat {
				t.Errorf("%s: IsWeChat(%q) = %t, want %t", test.name, in, got, test.weChat)
			}
			if got := wechat.IsDesktop(in); got != test.desktop {
				t.Errorf("%s: IsDesktop(%q) = %t, want %t", test.name, in, got, test.desktop)
			}
		}
	}
}
