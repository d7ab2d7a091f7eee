package wechat

import (
	"cmp"
	"context"
	"errors"
	"iter"
)

const followersAPI = "cgi-bin/user/get"

// followersPerPage is the size of every page of cgi-bin/user/get but the last.
const followersPerPage = 10_000

// A FollowerPage is a piece of the list of an account's followers.
type FollowerPage struct {
	Total   int      // followers of the account at the time of the call
	OpenIDs []string // mostly 10,000, on the last page fewer, never none
}

// Followers lists the openids of the account's followers, those that stand
// behind the openid after; an empty one begins at the start. It holds one page of
// 10,000 at a time. An error is the last thing that it gives: an [*Error] when
// WeChat refused (Code 40003: it does not know the openid after), and the run
// can be resumed after any openid that came before. WeChat allows 500 pages a day,
// a sandbox account 100. It promises no order, and not that the list holds
// still while people come and go. See [WeChat's page on the follower list].
//
// [WeChat's page on the follower list]: https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_getfans
func (s *TokenSource) Followers(ctx context.Context, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for page, err := range s.FollowerPages(ctx, after) {
			if err != nil {
				yield("", err)
				return
			}
			for _, openID := range page.OpenIDs {
				if !yield(openID, nil) {
					return
				}
			}
		}
	}
}

// FollowerPages is [TokenSource.Followers] by the page, with the number of
// followers: for a progress bar, or for [TokenSource.Users].
func (s *TokenSource) FollowerPages(ctx context.Context, after string) iter.Seq2[FollowerPage, error] {
	return func(yield func(FollowerPage, error) bool) {
		after, given := after, 0
		seen := map[string]bool{after: true} // one openid a page
		for {
			page, next, err := s.followers(ctx, after)
			given += len(page.OpenIDs)
			switch {
			case err != nil:
			case next != "" && seen[next]:
				err = errors.New(followersAPI + ": the list goes in a circle")
			case given > 2*page.Total+followersPerPage: // many may leave meanwhile
				err = errors.New(followersAPI + ": the list does not end")
			}
			if err != nil {
				yield(FollowerPage{}, err)
				return
			}
			if len(page.OpenIDs) == 0 || !yield(page, nil) || next == "" {
				return
			}
			after = next
			seen[next] = true
		}
	}
}

// followers fetches the page behind after. The openid to go on from is empty
// where the list ends.
func (s *TokenSource) followers(ctx context.Context, after string) (page FollowerPage, next string, err error) {
	var a followersAnswer
	if err := s.call(ctx, request{
		api:   followersAPI,
		query: query("next_openid", after),
		hide:  []string{after},
	}, &a); err != nil {
		return FollowerPage{}, "", err
	}
	page = FollowerPage{Total: int(*a.Total), OpenIDs: a.Data.OpenIDs}
	// WeChat documents that next_openid is empty at the end, but has been seen
	// to give the page's last openid there too: only a short page is the end.
	if n := len(page.OpenIDs); n >= followersPerPage {
		next = cmp.Or(a.Next, page.OpenIDs[n-1])
	}
	return page, next, nil
}

type followersAnswer struct {
	Total *number `json:"total"`
	Count *number `json:"count"`
	Data  struct {
		OpenIDs []string `json:"openid"`
	} `json:"data"` // may be missing after the end
	Next string `json:"next_openid"`
}

func (a *followersAnswer) check() error {
	openIDs := a.Data.OpenIDs
	switch {
	case a.Total == nil || a.Count == nil:
		return errors.New("answer without total and count")
	case int(*a.Count) != len(openIDs):
		return errors.New("answer whose count is not that of its openids")
	case int(*a.Total) < len(openIDs):
		return errors.New("answer with more openids than the account has followers")
	case !visible(a.Next, maxIDBytes):
		return errors.New("answer with an unusable next_openid")
	}
	for _, openID := range openIDs {
		if openID == "" || !visible(openID, maxIDBytes) {
			return errors.New("answer with an unusable openid")
		}
	}
	return nil
}
