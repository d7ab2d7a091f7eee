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

// A FollowerPage is one page of the list of an account's followers.
type FollowerPage struct {
	Total   int      // followers of the account at the time of the call
	OpenIDs []string // 10,000, on the last page possibly fewer, never none
}

// Followers lists the openids of the account's followers that come after the
// openid after; an empty one starts at the beginning. It keeps one page of 10,000
// in memory.
//
// An error ends the list: an [*Error] when WeChat refused the call (Code 40003
// if it does not know the openid after). The list can be continued after any
// openid that it gave. WeChat allows 500 pages a day, a sandbox account 100. It
// promises no order, and the list may change during the calls. See [WeChat's page
// on the follower list].
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

// FollowerPages is [TokenSource.Followers] page by page, with the number of
// followers: for a progress bar, or for [TokenSource.Users].
func (s *TokenSource) FollowerPages(ctx context.Context, after string) iter.Seq2[FollowerPage, error] {
	return func(yield func(FollowerPage, error) bool) {
		after, given := after, 0
		seen := map[string]bool{after: true} // the openid before each page
		for {
			page, next, err := s.followers(ctx, after)
			given += len(page.OpenIDs)
			switch {
			case err != nil:
			case next != "" && seen[next]:
				err = errors.New(followersAPI + ": the list repeats itself")
			case given > 2*page.Total+followersPerPage: // many may unfollow meanwhile
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

// followers fetches the page after an openid. The openid to continue after is
// empty at the end of the list.
func (s *TokenSource) followers(ctx context.Context, after string) (page FollowerPage, next string, err error) {
	var res followersResponse
	if err := s.call(ctx, request{
		api:   followersAPI,
		query: query("next_openid", after),
		hide:  []string{after},
	}, &res); err != nil {
		return FollowerPage{}, "", err
	}
	page = FollowerPage{Total: int(*res.Total), OpenIDs: res.Data.OpenIDs}
	// WeChat documents that next_openid is empty at the end, but it has been
	// seen to be the page's last openid there. So the end is a short page.
	if n := len(page.OpenIDs); n >= followersPerPage {
		next = cmp.Or(res.Next, page.OpenIDs[n-1])
	}
	return page, next, nil
}

type followersResponse struct {
	Total *number `json:"total"`
	Count *number `json:"count"`
	Data  struct {
		OpenIDs []string `json:"openid"`
	} `json:"data"` // may be missing after the end
	Next string `json:"next_openid"`
}

func (r *followersResponse) check() error {
	openIDs := r.Data.OpenIDs
	switch {
	case r.Total == nil || r.Count == nil:
		return errors.New("response without total and count")
	case int(*r.Count) != len(openIDs):
		return errors.New("response whose count is not its number of openids")
	case int(*r.Total) < len(openIDs):
		return errors.New("response with more openids than its total")
	case !visible(r.Next, maxIDBytes):
		return errors.New("response with an unusable next_openid")
	}
	for _, openID := range openIDs {
		if openID == "" || !visible(openID, maxIDBytes) {
			return errors.New("response with an unusable openid")
		}
	}
	return nil
}
