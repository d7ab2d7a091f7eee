package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// batchSize is how many followers are looked up in one call.
const batchSize = 100

// followers prints the account's followers, one a line.
func followers(c *call) error {
	flags := c.flags("followers")
	format := flags.String("format", "ndjson", "`FORMAT` of the lines: ndjson or csv")
	after := flags.String("after", "", "begin behind this `OPENID`, the last one of a run that broke off")
	details := flags.Bool("details", false, "print what the account knows about each follower")
	if err := c.parse(flags); err != nil {
		return err
	}
	if *format != "ndjson" && *format != "csv" {
		return usageError{fmt.Errorf("--format %q: expected ndjson or csv", *format)}
	}
	cfg, err := config.LoadAccount(c.environ)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the run at once

	l := &listing{tokens: newAccounts(nil).tokens(cfg), after: *after, details: *details, progress: c.stderr}
	l.lines = newFollowerLines(c.stdout, *format, *details, *after == "")
	return l.explain(ctx, l.run(ctx))
}

// A listing is one run through the followers of an account.
type listing struct {
	tokens   *wechat.TokenSource
	lines    *followerLines
	after    string
	details  bool
	progress io.Writer // shows a bar, if it is a terminal
}

// run prints the followers to the end, or up to an error.
func (l *listing) run(ctx context.Context) error {
	var bar *progressbar.ProgressBar
	for page, err := range l.tokens.FollowerPages(ctx, l.after) {
		if err != nil {
			return err
		}
		if bar == nil {
			bar = l.newBar(page.Total)
			defer bar.Clear()
		}
		for batch := range slices.Chunk(page.OpenIDs, batchSize) {
			if err := l.print(ctx, batch); err != nil {
				return err
			}
			bar.Add(len(batch))
		}
		if err := l.lines.flush(); err != nil {
			return err
		}
	}
	return l.lines.flush() // of a list without a follower, the header
}

// print prints a batch of followers.
func (l *listing) print(ctx context.Context, openIDs []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	known := make(map[string]*wechat.User)
	if l.details {
		users, err := l.tokens.Users(ctx, openIDs)
		if err != nil {
			return err
		}
		for i := range users {
			known[users[i].OpenID] = &users[i]
		}
	}
	for _, openID := range openIDs {
		if err := l.lines.write(openID, known[openID]); err != nil {
			return err
		}
	}
	if l.details { // each batch is a call: whoever reads on should not wait for a hundred
		return l.lines.flush()
	}
	return nil
}

// newBar returns the progress bar, which shows nothing where nobody looks.
func (l *listing) newBar(total int) *progressbar.ProgressBar {
	if l.after != "" {
		total = -1 // nobody knows how many are left
	}
	file, ok := l.progress.(*os.File)
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(l.progress),
		progressbar.OptionSetVisibility(ok && term.IsTerminal(int(file.Fd()))),
		progressbar.OptionSetDescription("followers"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// explain says how a run that ended with err can be gone on with.
func (l *listing) explain(ctx context.Context, err error) error {
	switch refusal, refused := errors.AsType[*wechat.Error](err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case refused && refusal.Code == 40003 && l.lines.printed == 0 && l.after != "":
		return fmt.Errorf("%w; mend: --after takes an openid of this account's followers, as an earlier run has printed it", err)
	case refused:
		mend := refusal.Hint()
		if refusal.Code == 45009 {
			mend = "WeChat's quota of the day is used up, and begins anew at midnight in China"
		}
		err = fmt.Errorf("%w; mend: %s", err, cmp.Or(mend, "try again later, or look the code up in WeChat's documentation"))
	}
	switch {
	case l.lines.printed > 0:
		return fmt.Errorf("%w\n%d followers printed: --after with the last openid printed goes on from there", err, l.lines.printed)
	case l.after != "":
		return fmt.Errorf("%w\nno follower printed: the same --after goes on from there", err)
	}
	return err
}
