package folder

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"netmon/console"
	"netmon/console/monitorfile"
)

const (
	// Every is how often files and what is saved are looked at.
	Every = 2 * time.Second
	// Settle is how long files must stay the same before they count.
	Settle = time.Second
	// SettlePruning is Settle where what is in no file is deleted: a file that is missing
	// for a moment, as while git writes others, must not delete anything.
	SettlePruning = 5 * time.Second
)

// Options are whose files are kept, where, and who hears of it.
type Options struct {
	Paths  []string // files, and folders of *.yaml
	Checks console.Checks
	// Prune says that Plan deletes what is in no file: files count later then, and one that
	// says nothing is a mistake.
	Prune bool
	// Within says that links in a folder lead to files below it alone: others than us may
	// write it.
	Within bool

	// Connect makes a connection, and done gives it back. It is called again where the
	// connection has ended for good.
	Connect func(ctx context.Context) (cl *console.Client, done func(), err error)
	// Plan says what making what is saved as wanted would do.
	Plan func(ctx context.Context, cl *console.Client, wanted console.Wanted) (console.Plan, error)

	Refuse func() error // why files are not to be obeyed as they are now, whatever is in them; may be nil

	AtOnce        bool          // the first look counts without a second one
	Every, Settle time.Duration // 0: the usual ones

	// These are called from one goroutine.
	Saved   func(Saved)               // each change that was saved
	Warn    func(text string)         // what is hardly what was meant
	Wrong   func(err error)           // why nothing changes, once for each state of the files: every mistake
	Trouble func(err error)           // why files cannot be compared or saved, once; nil: they can be again
	Kept    func(of console.Wanted)   // all is saved as the files have it
	Ends    func(err error) (is bool) // a trouble that ends it; may be nil
}

// Saved is one change of what is saved, made because files want it.
type Saved struct {
	Title string // monitor web as web, channel hook as channel hook
	Did   console.Did
	// Back says that the files were the same: somebody else had changed or deleted it. By
	// and Change are who and what, where that is known.
	Back       bool
	By, Change string
}

// String is a line of a log.
func (s Saved) String() string {
	text := s.Title + " " + string(s.Did)
	switch {
	case !s.Back:
		return text
	case s.By == "":
		return text + " again"
	}
	return fmt.Sprintf("%s back, after %s: %s", text, console.AuthorText(s.By), console.Printable(s.Change))
}

// Run keeps what is saved as the files have it, until ctx ends or there is an error that
// ends it, which it returns.
func Run(ctx context.Context, o Options) error {
	if o.Every == 0 {
		o.Every = Every
	}
	switch {
	case o.Settle > 0:
	case o.Prune:
		o.Settle = SettlePruning
	default:
		o.Settle = Settle
	}
	k := &keeper{Options: o}
	defer k.disconnect()
	for {
		wait, err := k.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// keeper is one run.
type keeper struct {
	Options
	files   settling
	wanted  console.Wanted
	refused string // what Refuse said
	wrong   bool   // the files are; wanted is what they were before
	told    string // what was reported as wrong with them among all that is saved

	stale bool              // the files changed since all of it was saved
	kept  bool              // that it is was reported
	mark  console.SavedMark // what was saved when they were compared last
	pace  pace

	cl      *console.Client
	done    func()
	trouble string // that was reported
}

// step looks once, and says when to look again. The error is one that ends it.
func (k *keeper) step(ctx context.Context) (time.Duration, error) {
	now := monitorfile.Digest(k.Paths, k.Within)
	settle := k.Settle
	if k.AtOnce && !k.files.any {
		settle = 0
	}
	changed, left := k.files.see(now, time.Now(), settle)
	if left > 0 {
		return min(left, k.Every), nil
	}
	var refused error
	if k.Refuse != nil {
		refused = k.Refuse()
	}
	if changed || fmt.Sprint(refused) != k.refused {
		look := monitorfile.Look(k.Paths, k.Within)
		if look.Digest() != now { // they changed at this moment
			return min(k.Settle, k.Every), nil
		}
		k.files.take(now)
		k.refused = fmt.Sprint(refused)
		k.read(look, refused)
	}
	if k.wrong {
		return k.Every, nil
	}
	err := k.keep(ctx)
	if ctx.Err() != nil {
		return 0, nil
	}
	if err != nil && k.Ends != nil && k.Ends(err) {
		return 0, err
	}
	k.report(err)
	return k.Every, nil
}

// read takes what the files want, or says what is wrong with them.
func (k *keeper) read(look monitorfile.Files, refused error) {
	wanted, err := console.Wanted{}, refused
	if err == nil { // else whoever wrote them is not to have them read
		wanted, err = look.Wanted(k.Checks, k.Prune)
	}
	k.wrong, k.told = err != nil, ""
	if err != nil {
		k.Wrong(err)
		return
	}
	k.wanted, k.stale, k.kept, k.mark = wanted, true, false, console.SavedMark{}
}

// keep compares what is saved with what the files want, if either changed, and saves the
// difference. After that the next look compares once more: others may have saved meanwhile.
func (k *keeper) keep(ctx context.Context) error {
	cl, err := k.client(ctx)
	if err != nil {
		return err
	}
	mark, err := savedMark(ctx, cl)
	if err != nil || mark == k.mark {
		return err
	}
	drift := !k.stale
	if drift && time.Now().Before(k.pace.next) {
		return nil
	}
	plan, err := k.Plan(ctx, cl, k.wanted)
	if wrong, is := errors.AsType[*console.InvalidError](err); is { // among all that is saved
		if text := wrong.Error(); text != k.told {
			k.told, k.kept = text, false
			k.Wrong(wrong)
		}
		k.mark = mark // until either changes
		return nil
	}
	if err != nil {
		return err
	}
	if !plan.Empty() {
		if drift {
			k.pace.corrected(time.Now())
		}
		err = k.apply(ctx, cl, plan, drift)
		if errors.Is(err, console.ErrConflict) { // somebody changed one meanwhile: the next look compares again
			return nil
		}
		if err != nil {
			return err
		}
	}
	k.stale, k.mark, k.told = false, mark, ""
	if !k.kept {
		k.kept = true
		k.Kept(k.wanted)
	}
	return nil
}

// savedMark waits less than what changes something: it is asked again soon.
func savedMark(ctx context.Context, cl *console.Client) (console.SavedMark, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return cl.SavedMark(ctx)
}

// apply saves what a plan changes, and says so.
func (k *keeper) apply(ctx context.Context, cl *console.Client, plan console.Plan, drift bool) error {
	for _, text := range plan.Warnings {
		k.Warn(text)
	}
	o, err := cl.Ops(k.Checks).Apply(ctx, plan, console.ApplyOptions{
		Quiet: true, // the controller follows what is saved
		Progress: func(c console.Change) {
			s := Saved{Title: c.Name(), Did: c.Did(), Back: drift}
			if drift && c.Was != nil {
				s.By, s.Change = c.Was.Author, c.Was.Change
			}
			k.Saved(s)
		},
		Setting: func(c console.SettingChange) {
			s := Saved{Title: c.Title(), Did: c.Did(), Back: drift}
			if drift && c.Was != nil {
				s.By, s.Change = c.Was.About().Author, c.Was.About().Change
			}
			k.Saved(s)
		},
	})
	for _, text := range o.Warnings {
		k.Warn(text)
	}
	return err
}

// report says once why it does not work, and once that it does again.
func (k *keeper) report(err error) {
	is := ""
	switch {
	case errors.Is(err, console.ErrUnreachable):
		is = console.ErrUnreachable.Error() // why, differs from try to try
	case err != nil:
		is = err.Error()
	}
	if is != k.trouble {
		k.trouble = is
		k.Trouble(err)
	}
}

// client is the connection, or another one where the last has ended.
func (k *keeper) client(ctx context.Context) (*console.Client, error) {
	if k.cl != nil && k.cl.Conn().IsClosed() {
		k.disconnect()
	}
	if k.cl == nil {
		var err error
		if k.cl, k.done, err = k.Connect(ctx); err != nil {
			k.cl = nil
			return nil, err
		}
	}
	if !k.cl.Connected() {
		return nil, fmt.Errorf("%w: not connected", console.ErrUnreachable)
	}
	return k.cl, nil
}

func (k *keeper) disconnect() {
	if k.cl != nil {
		k.done()
		k.cl = nil
	}
}

// settling says when files count: once they were the same for a while, and at least at two looks.
type settling struct {
	last  [sha256.Size]byte
	since time.Time // of the first look at it; zero before the first one
	taken [sha256.Size]byte
	any   bool // taken counts
}

// see notes what files are at a moment. changed says that they are to count from now on, and are
// others than those that counted before; left is how long they must stay the same to count.
func (s *settling) see(is [sha256.Size]byte, at time.Time, settle time.Duration) (changed bool, left time.Duration) {
	if is != s.last || s.since.IsZero() {
		s.last, s.since = is, at
	}
	if s.any && is == s.taken {
		return false, 0
	}
	if left := settle - at.Sub(s.since); left > 0 {
		return false, left
	}
	return true, 0
}

// take notes which files count.
func (s *settling) take(is [sha256.Size]byte) { s.taken, s.any = is, true }

// pace keeps two that want different things from changing each other's back without end.
type pace struct {
	next time.Time // when what somebody else changed is changed back again
	wait time.Duration
}

// The first correction is made at once, each later one after twice the previous wait. After
// a while without any the next one is a first one again.
const (
	paceFirst  = 4 * time.Second
	paceMost   = 5 * time.Minute
	paceForget = 2 // times the wait
)

func (p *pace) corrected(now time.Time) {
	if now.After(p.next.Add(paceForget * p.wait)) {
		p.wait = 0
	}
	p.wait = min(max(2*p.wait, paceFirst), paceMost)
	p.next = now.Add(p.wait)
}
