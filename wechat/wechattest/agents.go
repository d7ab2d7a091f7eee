package wechattest

// The parts that several User-Agents share.
const (
	webKit    = "AppleWebKit/537.36 (KHTML, like Gecko) "
	chrome132 = webKit + "Chrome/132.0.0.0 Safari/537.36 "
	windows   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/132.0.0.0 Safari/537.36"
	mac       = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	linux     = "Mozilla/5.0 (X11; Linux x86_64) "
	iPhone    = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148 "
	// desktop4 is in all desktop clients since 4.0. Its number no longer changes.
	desktop4 = "MicroMessenger/7.0.20.1781(0x6700143B) "
)

// The User-Agents of WeChat's clients, of WeCom's, and of Chrome. The names in
// them are real, the versions are examples.
const (
	AgentIOS     = iPhone + "MicroMessenger/8.0.76(0x18004c24) NetType/WIFI Language/zh_CN"
	AgentAndroid = "Mozilla/5.0 (Linux; Android 14; Phone Build/UP1A; wv) " + webKit +
		"Version/4.0 Chrome/142.0.7444.173 Mobile Safari/537.36 XWEB/1420113 MMWEBSDK/20251006 MMWEBID/5438 " +
		"MicroMessenger/8.0.69.3020(0x28004550) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64"
	AgentHarmony = "Mozilla/5.0 (Phone; OpenHarmony 5.1) " + webKit +
		"Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.10.41(0xf3100a29) Weixin NetType/4G " +
		"Language/zh_CN MMWEBID/8058 MMWEBSDK/202508070004 XWEB/1140319"
	// AgentWebView is a page in the web-view of a mini program.
	AgentWebView            = AgentAndroid + " miniProgram/" + StockAppID
	AgentMiniProgram        = AgentAndroid + " MiniProgramEnv/android"
	AgentMiniProgramWindows = windows + " MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI " +
		"MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13) XWEB/8555"
	AgentMiniProgramMac = mac + chrome132 + desktop4 + "NetType/WIFI MiniProgramEnv/Mac MacWechat/WMPF " +
		"MacWechat/3.8.7(0x13080712) XWEB/8555"
	AgentWindows = windows + " NetType/WIFI " + desktop4 +
		"WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541a35) XWEB/19977 Flue"
	AgentMacOld = mac + webKit +
		"MicroMessenger/6.8.0(0x16080000) MacWechat/3.0.1(0x13000110) NetType/WIFI WindowsWechat"
	AgentMac = mac + chrome132 + "NetType/WIFI " + desktop4 +
		"MacWechat/3.8.7(0x13080712) UnifiedPCMacWechat(0xf26411f0) XWEB/16512 Flue"
	AgentLinux = linux + chrome132 + "NetType/WIFI " + desktop4 +
		"WindowsWechat(0x63090a13) UnifiedPCLinuxWechat(0xf2741107) XWEB/14978 Flue"
	AgentWeComPhone   = iPhone + "wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh ColorScheme/Light"
	AgentWeComWindows = windows + " wxwork/4.1.3 (MicroMessenger/6.2) WindowsWechat"
	// AgentWeComMac is one of two forms of that client: this one is without
	// MicroMessenger.
	AgentWeComMac = mac + chrome132 + "wxwork/5.0.8 WeChat/2.0.4 wwmver/3.26.508.620"
	AgentDevTools = iPhone + "wechatdevtools/2.01.2510290 MicroMessenger/8.0.5 Language/zh_CN webview/ " +
		"hash/1430623894 sid/4af8b8 token/0d1b9e8f7a6c5b4d3e2f1a0b9c8d7e6f"
	AgentChrome = windows
)
