package wechattest

import (
	"maps"
	"time"
)

// Limit is how often one account may call one path; 0: no limit.
type Limit struct {
	PerDay    int // above it 45009, until midnight in China
	PerMinute int // above it 45011, or page 10009 from the authorize page
}

const (
	authorizePath  = "/connect/oauth2/authorize"
	clearsPerMonth = 10
)

// stockLimits are the documented ones; 50,000 a minute for sns.
var stockLimits = map[string]Limit{
	"/sns/oauth2/access_token":  {PerMinute: 50_000},
	"/sns/oauth2/refresh_token": {PerMinute: 50_000},
	"/sns/userinfo":             {PerMinute: 50_000},
	"/sns/auth":                 {PerMinute: 50_000},
	"/cgi-bin/token":            {PerDay: 2_000},
	"/cgi-bin/stable_token":     {PerDay: 500_000, PerMinute: 10_000},
	"/cgi-bin/user/get":         {PerDay: 500},
	"/cgi-bin/user/info":        {PerDay: 5_000_000},
	"/cgi-bin/ticket/getticket": {PerDay: 10_000},
}

// sandboxPerDay are the lower daily limits of test accounts.
var sandboxPerDay = map[string]int{"/cgi-bin/token": 200, "/cgi-bin/user/get": 100}

type quotas struct {
	limits map[string]Limit // set ones
	days   map[quotaKey]int
	minute map[quotaKey]int
	day    string
	min    time.Time
}

type quotaKey struct{ who, path string }

func newQuotas() quotas {
	return quotas{limits: map[string]Limit{}, days: map[quotaKey]int{}, minute: map[quotaKey]int{}}
}

// china is the zone in which WeChat's days and months begin.
var china = time.FixedZone("UTC+8", 8*3600)

// SetLimit replaces the documented limit of a path, such as /cgi-bin/user/get,
// for every account: a test reaches a limit of 3 sooner than one of 500. For
// the authorize page only PerMinute counts, for one visitor (stock: no limit).
func (e *Emulator) SetLimit(path string, limit Limit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.quotas.limits[path] = limit
}

// countCall counts a call by an account against the limits of its path.
func (c *call) countCall(a *account) *refusal {
	limit, set := c.quotas.limits[c.path]
	if !set {
		limit = stockLimits[c.path]
		if n, ok := sandboxPerDay[c.path]; ok && a.Kind == KindTest {
			limit.PerDay = n
		}
	}
	return c.quotas.count(quotaKey{a.AppID, c.path}, limit, c.time)
}

func (q *quotas) count(key quotaKey, limit Limit, now time.Time) *refusal {
	if day := now.In(china).Format(time.DateOnly); day != q.day {
		q.day = day
		clear(q.days)
	}
	if m := now.Truncate(time.Minute); !m.Equal(q.min) {
		q.min = m
		clear(q.minute)
	}
	if limit.PerDay > 0 && q.days[key] >= limit.PerDay {
		return refuse(45009)
	}
	if limit.PerMinute > 0 && q.minute[key] >= limit.PerMinute {
		return refuse(45011)
	}
	q.days[key]++
	q.minute[key]++
	return nil
}

// clearQuota begins an account's day anew, ten times a month.
func (c *call) clearQuota() (any, *refusal) {
	a, refused := c.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	var asked struct {
		AppID string `json:"appid"`
	}
	if refused := c.decode(&asked); refused != nil {
		return nil, refused
	}
	if asked.AppID != a.AppID {
		return nil, refuse(40013)
	}
	month := c.time.In(china).Format("2006-01")
	if a.quotaCleared[month] >= clearsPerMonth {
		return nil, refuse(48006)
	}
	a.quotaCleared[month]++
	maps.DeleteFunc(c.quotas.days, func(key quotaKey, _ int) bool { return key.who == a.AppID })
	maps.DeleteFunc(c.quotas.minute, func(key quotaKey, _ int) bool { return key.who == a.AppID })
	return allWell, nil
}
