package feed

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// greed is those who ask for ever, and what becomes of their questions. It is without NATS.
type greed struct {
	*answering
	workers sync.WaitGroup

	mu      sync.Mutex // guards what follows
	ended   map[*nats.Msg]chan *wire.Error
	took    map[string]time.Duration
	refused map[string][]string
}

// newGreed answers questions of which each takes so much CPU time.
func newGreed(each time.Duration) *greed {
	g := &greed{answering: newAnswering(New(Options{})), ended: map[*nats.Msg]chan *wire.Error{}, took: map[string]time.Duration{}, refused: map[string][]string{}}
	end := func(m *nats.Msg, why *wire.Error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if who := askerOf(m); why == nil {
			g.took[who] += each
		} else {
			g.refused[who] = append(g.refused[who], why.Message)
		}
		g.ended[m] <- why
		delete(g.ended, m)
	}
	g.answer = func(_ context.Context, m *nats.Msg) time.Duration {
		time.Sleep(each)
		end(m, nil)
		return each
	}
	g.refuse = func(m *nats.Msg, why wire.HistoryReply) {
		if why.Again.Std() < time.Second {
			why.Error.Message = "it does not say when to ask for a program: " + strings.ReplaceAll(why.Error.Message, "again", "")
		}
		end(m, why.Error)
	}
	for range answersMost {
		g.workers.Go(func() { g.work(context.Background()) })
	}
	return g
}

// ask waits for an answer.
func (g *greed) ask(who string) *wire.Error {
	m := &nats.Msg{Reply: who + ".1"}
	ended := make(chan *wire.Error, 1)
	g.mu.Lock()
	g.ended[m] = ended
	g.mu.Unlock()
	g.add(m)
	return <-ended
}

// forever asks until a moment, so many at once, and at once again.
func (g *greed) forever(who string, at int, until time.Time) {
	for range at {
		g.workers.Go(func() {
			for time.Now().Before(until) {
				if g.ask(who) != nil {
					time.Sleep(time.Second / 10) // it does not obey
				}
			}
		})
	}
}

// TestAnswering_KeepsItsShare: however many questions one asks at once, and for ever, and
// however many do so, judging and feeding keep their part of the CPU, and who asks little is answered.
func TestAnswering_KeepsItsShare(t *testing.T) {
	const length = 10 * time.Minute
	most := func(part float64, burst time.Duration) time.Duration {
		// What is running when nothing is left is owed, and one question more.
		return time.Duration(part*float64(runtime.GOMAXPROCS(0))*float64(length)) + burst + (answersMost+1)*answerWithin
	}
	for name, many := range map[string]int{"one": 1, "many": 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGreed(answerWithin)
				until := time.Now().Add(length)
				for i := range many {
					g.forever(fmt.Sprint("greedy", i), 2*waitingOfOne, until)
				}
				worst := time.Duration(0)
				for time.Now().Before(until) && many == 1 {
					time.Sleep(20 * time.Second)
					begin := time.Now()
					if why := g.ask("modest"); why != nil {
						t.Errorf("who asks little is refused: %s", why)
					}
					worst = max(worst, time.Since(begin))
				}
				time.Sleep(time.Until(until))
				g.mu.Lock()
				sum := time.Duration(0)
				for who, took := range g.took {
					sum += took
					if limit := most(shareOfOne, burstOfOne); took > limit {
						t.Errorf("%s took %s of CPU time in %s, want at most %s", who, took, length, limit)
					}
				}
				if limit := most(shareOfAll, burstOfAll); sum > limit || sum < limit/4 {
					t.Errorf("all took %s of CPU time in %s, want at most %s", sum, length, limit)
				}
				refused := g.refused["to greedy0"]
				if len(refused) == 0 || !strings.Contains(strings.Join(refused, "\n"), "ask again in ") {
					t.Errorf("refused: %.300q", refused)
				}
				g.mu.Unlock()
				if worst > waitMost {
					t.Errorf("who asks little waits for %s", worst)
				}
				time.Sleep(time.Minute)
				g.close()
				g.workers.Wait()
			})
		})
	}
}

// TestAnswering_TellsWhen: who was refused and comes back when it was said is answered.
func TestAnswering_TellsWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGreed(time.Minute) // worse than a question can be
		for range 3 {
			g.workers.Go(func() { g.ask("greedy") })
		}
		time.Sleep(2 * time.Minute)
		why := g.ask("greedy")
		if why == nil || why.Code != wire.CodeLimit || !strings.HasPrefix(why.Message, "your questions about history took more than their share of the CPU: ask again in ") {
			t.Fatalf("got %v", why)
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(why.Message, "your questions about history took more than their share of the CPU: ask again in "), ",")
		wait, err := time.ParseDuration(text)
		if err != nil || wait < time.Minute {
			t.Fatalf("ask again in %q: %v", text, err)
		}
		time.Sleep(wait)
		if why := g.ask("greedy"); why != nil {
			t.Errorf("after %s: %s", wait, why)
		}
		g.close()
		g.workers.Wait()
	})
}
