package main

import (
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
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// batchSize is the number of followers whose details one call fetches.
const batchSize = 100

// newFollowers returns the command followers.
func newFollowers(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "followers [--format ndjson|csv] [--after OPENID] [--details]",
		Short: "print the account's followers, one a line",
		Long: `Prints the followers of the account in WXGATE_APP_ID, one a line, as WeChat lists them, with a
progress bar on stderr if that is a terminal. To resume an interrupted run, pass the last
openid that it printed with --after. Each page of 10,000 followers, and with --details each
100 of them, is a call that counts for WeChat's daily quota.`,
		Example: `wxgate followers > followers.ndjson
wxgate followers --format csv --details > followers.csv`,
		Annotations: exits(`0 done; 1 WeChat does not answer or refuses, or the output could not be
written; 2 the arguments or the account's variables are wrong`),
		Args: noArguments,
	}
	l, format := &listing{progress: inv.stderr}, newChoice("ndjson", "csv")
	cmd.Flags().Var(format, "format", "form of the lines: a JSON object, or CSV with the openid first")
	cmd.Flags().StringVar(&l.after, "after", "",
		"start after this `OPENID`, the last one that an unfinished run printed")
	cmd.Flags().BoolVar(&l.details, "details", false, "print what the account knows about each follower")
	cmd.RunE = func(*cobra.Command, []string) error {
		l.lines = newFollowerLines(inv.stdout, format.chose, l.details, l.after == "")
		return followers(inv, l)
	}
	return cmd
}

// followers prints the account's followers, one a line.
func followers(inv *invocation, l *listing) error {
	cfg, err := config.LoadAccount(inv.environ)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	l.tokens = newAccounts(observeNothing, nil).tokens(cfg)
	return l.explain(ctx, l.run(ctx))
}

// A listing is one run of the command through the followers of an account.
type listing struct {
	tokens   *wechat.TokenSource
	lines    *followerLines
	after    string
	details  bool
	progress io.Writer // gets a progress bar if it is a terminal
}

// run prints followers until the list ends or an error occurs.
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
	return l.lines.flush() // prints the header of an empty list
}

// print prints a batch of followers.
func (l *listing) print(ctx context.Context, openIDs []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	users, err := l.users(ctx, openIDs)
	if err != nil {
		return err
	}
	for _, openID := range openIDs {
		if err := l.lines.write(openID, users[openID]); err != nil {
			return err
		}
	}
	if l.details { // a page is a hundred calls: a reader should not wait for all of them
		return l.lines.flush()
	}
	return nil
}

// users returns the details of a batch by openid; none without --details.
func (l *listing) users(ctx context.Context, openIDs []string) (map[string]*wechat.User, error) {
	if !l.details {
		return nil, nil
	}
	list, err := l.tokens.Users(ctx, openIDs)
	if err != nil {
		return nil, err
	}
	users := make(map[string]*wechat.User)
	for i := range list {
		users[list[i].OpenID] = &list[i]
	}
	return users, nil
}

// newBar returns the progress bar, which is invisible unless it is on a terminal.
func (l *listing) newBar(total int) *progressbar.ProgressBar {
	if l.after != "" {
		total = -1 // WeChat does not tell how many are left
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

// explain adds to the error of a run what to do about it and how to continue.
func (l *listing) explain(ctx context.Context, err error) error {
	switch refusal, refused := errors.AsType[*wechat.Error](err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case refused && refusal.Code == 40003 && l.lines.printed == 0 && l.after != "":
		return fmt.Errorf("%w; hint: --after takes an openid that an earlier run printed for this account", err)
	case refused && refusal.Code == 45009:
		err = fmt.Errorf("%w; hint: WeChat's daily quota is used up; it is reset at midnight in China", err)
	case refused:
		err = fmt.Errorf("%w; hint: %s", err, hintFor(refusal))
	}
	switch {
	case l.lines.printed > 0:
		return fmt.Errorf("%w\n%d followers printed: to continue, use --after with the last openid printed",
			err, l.lines.printed)
	case l.after != "":
		return fmt.Errorf("%w\nno follower printed: to continue, use the same --after", err)
	}
	return err
}
