package wechattest

const (
	iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148 "
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/132.0.0.0 Safari/537.36"
	chrome132 = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 "
)

// The User-Agents of WeChat's clients, of WeCom's, and of Chrome. The names in
// them are real, the versions are examples.
const (
	AgentIOS     = iPhone + "MicroMessenger/8.0.42(0x18002a2d) NetType/WIFI Language/zh_CN"
	AgentAndroid = "Mozilla/5.0 (Linux; Android 14; Phone Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Version/4.0 Chrome/142.0.7444.173 Mobile Safari/537.36 XWEB/1420113 MMWEBSDK/20251006 MMWEBID/5438 " +
		"MicroMessenger/8.0.66.2980(0x280042B2) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64"
	AgentMiniProgram = AgentAndroid + " MiniProgramEnv/android"
	AgentWindows     = windows + " NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) " +
		"WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541022) XWEB/16467 Flue"
	AgentMiniProgramWindows = windows + " MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI " +
		"MiniProgramEnv/Windows WindowsWechat/WMPF"
	AgentMacOld = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"MicroMessenger/6.8.0(0x16080000) MacWechat/3.0.1(0x13000110) NetType/WIFI WindowsWechat"
	AgentMac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + chrome132 +
		"NetType/WIFI MicroMessenger/6.8.0(0x16080000) " +
		"MacWechat/3.8.7(0x13080712) UnifiedPCMacWechat(0xf2641c1d) XWEB/16467 Flue"
	AgentLinux = "Mozilla/5.0 (X11; Linux x86_64) " + chrome132 +
		"NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) UnifiedPCLinuxWechat(0xf2641701) XWEB/16467 Flue"
	AgentWeComPhone   = iPhone + "wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh ColorScheme/Light"
	AgentWeComWindows = windows + " wxwork/4.1.3 (MicroMessenger/6.2) WindowsWechat"
	AgentDevTools     = iPhone + "wechatdevtools/1.06 MicroMessenger/8.0.5 Language/zh_CN"
	AgentChrome       = windows
)
