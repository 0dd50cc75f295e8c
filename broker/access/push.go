package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// update marks an account as changed; "" is all of them.
func (s *service) update(account string) {
	s.mu.Lock()
	for _, name := range accountNames {
		if account == "" || name == account {
			s.changed[name] = true
		}
	}
	s.mu.Unlock()
	s.wake()
}

// wake has pushLoop look what there is to do.
func (s *service) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// pushLoop brings changed accounts to the servers, until ctx ends. It does so
// after the answer to who asked: a server that takes an account again forgets
// where answers through it were to go.
func (s *service) pushLoop(ctx context.Context) {
	wait := 100 * time.Millisecond
	var pushed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Again:
			s.update("")
			continue
		case <-s.wakeup:
		}
		s.nc.FlushTimeout(2 * time.Second) // the answer is through
		// Servers of a cluster tell each other's accounts apart by the second in
		// which they were signed: two of one second could take the place of each other.
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(pushed.Truncate(time.Second).Add(time.Second))):
		}
		err := s.pushChanged(ctx)
		pushed = time.Now()
		s.mu.Lock()
		s.behind = err
		s.mu.Unlock()
		if err == nil || ctx.Err() != nil {
			s.departed.wake() // what they said last was said by now
			wait = 100 * time.Millisecond
			continue
		}
		s.a.log.Error("not everybody knows yet who may connect and who may command; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			s.wake()
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// pushChanged brings the list up to date, if that failed before, and the marked
// accounts to the servers. Those that they did not take stay marked.
func (s *service) pushChanged(ctx context.Context) error {
	listed := s.a.relist()
	s.mu.Lock()
	changed := maps.Clone(s.changed)
	clear(s.changed)
	s.pushing = changed
	s.mu.Unlock()
	defer s.endRound()
	if len(changed) == 0 {
		return listed
	}
	accounts, err := s.a.Accounts()
	if err == nil {
		accounts = slices.DeleteFunc(accounts, func(a Account) bool { return !changed[a.Name] })
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err = s.Push(try, accounts)
	}
	if err != nil {
		s.mu.Lock()
		maps.Copy(s.changed, changed)
		s.mu.Unlock()
	}
	return errors.Join(listed, err)
}

// endRound wakes those who wait for what was pushed.
func (s *service) endRound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushing = nil
	close(s.round)
	s.round = make(chan struct{})
}

// pushed waits until the servers know what the registry says of an account, or ctx ends.
func (s *service) pushed(ctx context.Context, account string) error {
	for {
		s.mu.Lock()
		waiting, round := s.changed[account] || s.pushing[account], s.round
		s.mu.Unlock()
		if !waiting {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-round:
		}
	}
}

// relist brings the list of those whose commands count up to date. Where that
// fails, pushLoop tries again.
func (s *service) relist() error {
	err := s.a.relist()
	if err != nil {
		s.wake()
		err = fmt.Errorf("it is in the registry, but agents do not know it yet; the broker keeps trying: %w", err)
	}
	return err
}

// lagging says why the servers do not know yet what the registry says.
func (s *service) lagging() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.behind == nil {
		return nil
	}
	return fmt.Errorf("it is in the registry, but not everybody knows it yet; the broker keeps trying: %w", s.behind)
}
