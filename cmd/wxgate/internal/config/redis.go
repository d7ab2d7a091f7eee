package config

// storeRedis is the session store that keeps the sessions in Redis.
const storeRedis = "redis"

// redis reads the certificates of WXGATE_REDIS_CA_FILE, and checks that they are
// used.
func (l *loader) redis(c *Config) {
	const address, file = "REDIS_URL", "REDIS_CA_FILE"
	if c.RedisCAFile == "" {
		return
	}
	var err error
	c.RedisCAs, err = readCAs(c.RedisCAFile)
	l.check(file, err)
	switch {
	case !l.sound(address):
	case c.RedisURL.IsZero():
		l.fault(file, "set, but "+l.name(address)+" is not; it has no use")
	case !c.RedisURL.TLS:
		l.fault(file, "set, but "+l.name(address)+" begins with redis, which is Redis without TLS; "+
			"write rediss there, or remove this file")
	}
}

// needsRedis checks that the site has Redis, if its sessions are to be there, and
// that its sessions are there, if they are to hold access tokens.
func (l *loader) needsRedis(c *Config) {
	const address, store, token = "REDIS_URL", "SESSION_STORE", "PASS_ACCESS_TOKEN"
	if l.sound(address, store) && c.SessionStore == storeRedis && c.RedisURL.IsZero() {
		l.fault(address, "not set, but "+l.name(store)+"="+storeRedis+" needs it: "+
			"the address of your Redis, such as redis://redis:6379/0"+orFile(l.name(address)))
	}
	if l.sound(store, token) && c.PassAccessToken && c.SessionStore != storeRedis {
		l.fault(token, "needs "+l.name(store, token)+"="+storeRedis+": cookies do not hold access tokens; "+
			"set that too, or leave this out", store)
	}
}
