package wechattest

import "time"

// Limit is how often one account may call one path; 0: no limit.
type Limit struct {
	PerDay    int // above it 45009, until midnight in China
	PerMinute int // above it 45011, or page 10009 from the authorize page
}

const clearsPerMonth = 10

// stockLimits are the documented limits.
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

	"/cgi-bin/message/template/send": {PerDay: 100_000},
	"/cgi-bin/menu/create":           {PerDay: 1_000},
	"/cgi-bin/menu/get":              {PerDay: 10_000},
	"/cgi-bin/menu/delete":           {PerDay: 1_000},
	"/cgi-bin/media/upload":          {PerDay: 100_000},
}

// sandboxPerDay are the lower daily limits of test accounts.
var sandboxPerDay = map[string]int{"/cgi-bin/token": 200, "/cgi-bin/user/get": 100}

// quotas counts the calls of the current day and minute.
type quotas struct {
	limits map[string]Limit // by path, from SetLimit
	days   map[quotaKey]int
	minute map[quotaKey]int
	day    string
	min    time.Time
}

type quotaKey struct{ who, path string }

func newQuotas() quotas {
	return quotas{limits: map[string]Limit{}, days: map[quotaKey]int{}, minute: map[quotaKey]int{}}
}

// china is the time zone of WeChat's days and months.
var china = time.FixedZone("UTC+8", 8*3600)

// SetLimit replaces the documented limit of a path, such as /cgi-bin/user/get,
// for every account, for example by one that a test reaches sooner. For the
// authorize page only PerMinute counts, per visitor; by default it has no limit.
func (e *Emulator) SetLimit(path string, limit Limit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.quotas.limits[path] = limit
}

// countCall counts a call by an account against the limits of its path.
func (x *transaction) countCall(a *account) *refusal {
	limit, set := x.quotas.limits[x.path]
	if !set {
		limit = stockLimits[x.path]
		if n, ok := sandboxPerDay[x.path]; ok && a.Kind == KindTest {
			limit.PerDay = n
		}
	}
	return x.quotas.count(quotaKey{a.AppID, x.path}, limit, x.time)
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
