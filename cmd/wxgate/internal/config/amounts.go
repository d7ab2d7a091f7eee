package config

import "time"

// amountCautions are about durations, sizes and rates that are surprisingly small or large.
func amountCautions() []caution {
	return []caution{
		{
			"SESSION_TTL", func(c *Config) bool { return c.SessionTTL < time.Minute },
			"sessions end within a minute",
			"use a longer time, such as 24h: visitors sign in again after each pause",
		},
		{
			"REDIS_GRACE", func(c *Config) bool { return !c.RedisURL.IsZero() && c.RedisGrace > 5*time.Minute },
			"grace of more than five minutes",
			"use a shorter time, such as 10s: while Redis is away, " +
				"a session that was ended elsewhere may go on for so long",
		},
		{
			"LOGIN_RATE", func(c *Config) bool {
				return c.LoginRate.Count > 0 && float64(c.LoginRate.Count) < 10*c.LoginRate.Per.Minutes()
			},
			"few logins for one client address",
			"allow at least 10 a minute: a login counts twice, and visitors of a mobile network share addresses",
		},
		{
			"MAX_BODY", func(c *Config) bool { return c.MaxBody > 0 && c.MaxBody < 1<<10 },
			"no body of 1 KiB or more is forwarded",
			"give the unit, such as 10MiB",
		},
		{
			"UPSTREAM_TIMEOUT", func(c *Config) bool { return c.UpstreamTimeout < time.Second },
			"timeout under a second",
			"use a longer time, such as 60s",
		},
		{
			"WECHAT_TIMEOUT", func(c *Config) bool { return c.WeChatTimeout < time.Second },
			"timeout under a second",
			"use a longer time, such as 5s: WeChat may need hundreds of milliseconds",
		},
	}
}
