package config

import "strings"

// accountCautions are about values that WeChat has given another form than the usual.
// No document promises the form, so that another one is no fault.
func accountCautions() []caution {
	const (
		idHint = "copy it again: WeChat's AppIDs are wx and 16 hexadecimal digits"
		hint   = "copy it again: WeChat's AppSecrets are 32 hexadecimal digits"
	)
	return []caution{
		{"APP_ID", func(c *Config) bool { return !isAppID(c.AppID) }, "AppID of an unusual form", idHint},
		{
			"APP_SECRET", func(c *Config) bool { return !isHex(c.AppSecret.Reveal(), 32) },
			"AppSecret of an unusual form", hint,
		},
		{
			"QR_APP_ID", func(c *Config) bool { return c.QRAppID != "" && !isAppID(c.QRAppID) },
			"AppID of an unusual form", idHint,
		},
		{
			"QR_APP_SECRET", func(c *Config) bool { return c.QRAppSecret != "" && !isHex(c.QRAppSecret.Reveal(), 32) },
			"AppSecret of an unusual form", hint,
		},
	}
}

func isAppID(s string) bool {
	digits, ok := strings.CutPrefix(s, "wx")
	return ok && isHex(digits, 16)
}

// isHex reports whether s is so many hexadecimal digits.
func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
