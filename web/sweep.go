package web

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flowbot/service"
)

// sweepEvery is how often what was left behind is looked for.
const sweepEvery = time.Minute

// Run removes what was left behind and hands over what came whole while nobody
// could take it, until ctx ends.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "sweep uploads", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep hands over, once, the files that have come whole by living links, and
// removes those of links that have ended. It is safe while files come.
func (s *Server) Sweep(ctx context.Context) error {
	s.begin.Lock() // no file is half begun
	entries, err := os.ReadDir(s.Dir)
	s.begin.Unlock()
	if err != nil {
		return fmt.Errorf("list uploads: %w", err)
	}
	var links []int64
	names := map[string]int64{} // of files and what is told of them, to their link
	for _, e := range entries {
		if link := linkOf(strings.TrimSuffix(e.Name(), ".info")); link != 0 {
			names[e.Name()], links = link, append(links, link)
		}
	}
	if len(links) == 0 {
		s.known.Clear()
		return nil
	}
	slices.Sort(links)
	living, err := s.Links.Living(ctx, slices.Compact(links))
	if err != nil {
		return err
	}
	var all []error
	for name, link := range names {
		if !slices.Contains(living, link) {
			if err := os.Remove(filepath.Join(s.Dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				all = append(all, err)
			}
			continue
		}
		if strings.HasSuffix(name, ".info") {
			continue
		}
		f, err := s.store.info(ctx, name)
		if err != nil || f.Offset < f.Size {
			continue
		}
		if err := s.handOver(ctx, f); err != nil && service.AsError(err).Kind == service.Internal {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
