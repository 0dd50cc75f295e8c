package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// This file is about where placements are written down.

// loadPlacements reads what was chosen before.
func (c *Controller) loadPlacements(ctx context.Context) error {
	t, err := tail.Open(ctx, c.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllPlacements}, Last: true})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", wire.VerdictsStream, err)
	}
	defer t.Stop()
	p := newPlacing(c.patience, c.feed.now)
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", wire.VerdictsStream, err)
		}
		x, err := wire.DecodePlacement(m.Subject, m.Data)
		if err != nil {
			c.log.Error("cannot read where a monitor is placed: it is decided again", "error", err)
			x = wire.Placement{Monitor: m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]}
		}
		p.records[x.Monitor], p.refused[x.Monitor] = placement{Placement: x, at: meta.Sequence.Stream}, maps.Clone(x.Refused)
		if meta.NumPending == 0 {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.placing = p
	return nil
}

// keepPlaces places monitors until ctx ends or somebody else does.
func (c *Controller) keepPlaces(ctx context.Context, beats *tail.Tail) error {
	look := time.NewTicker(c.patience.look)
	defer look.Stop()
	for again := time.Now(); ; {
		list := c.placeAll(time.Since(beats.Heard()))
		for _, x := range list {
			if err := c.storePlacement(ctx, x); err != nil {
				return err
			}
		}
		if time.Since(again) > time.Minute {
			again = time.Now()
			if err := c.placeAgain(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.placing.woken:
		case <-look.C:
		}
	}
}

// storePlacement writes a placement behind the previous one.
func (c *Controller) storePlacement(ctx context.Context, x placement) error {
	subject, err := wire.PlacementSubject(x.Monitor)
	if err != nil {
		return err
	}
	m := nats.NewMsg(subject)
	if m.Data, err = json.Marshal(&x.Placement); err != nil {
		return err
	}
	at, err := storeOver(ctx, c.js, c.log, wire.VerdictsStream, m, x.at)
	if errors.Is(err, errFenced) {
		return errors.New("another controller also places monitors, and was first")
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.placing.records[x.Monitor]; r.N >= x.N {
		r.at = at
		c.placing.records[x.Monitor] = r
	}
	return nil
}

// placeAgain writes down again what newer messages have pushed out of the stream.
func (c *Controller) placeAgain(ctx context.Context) error {
	stream, err := c.js.Stream(ctx, wire.VerdictsStream)
	if err != nil {
		return nil // whoever leads looks for that
	}
	first := stream.CachedInfo().State.FirstSeq
	c.mu.Lock()
	var list []placement
	for name, r := range c.placing.records {
		if s, ok := c.desired[name]; ok && s.Agents.IsSome() && r.at > 0 && r.at < first {
			list = append(list, r)
		}
	}
	c.mu.Unlock()
	for _, x := range list {
		if err := c.storePlacement(ctx, x); err != nil {
			return err
		}
	}
	return nil
}
