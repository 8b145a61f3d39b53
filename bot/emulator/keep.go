package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// keepVersion is the form of the kept state; another one is not read.
	keepVersion = 1
	// keepEvery is how much of what happened a killed process can lose.
	keepEvery = time.Second
	// keepGap is skipped in the numbers of updates and messages after a start:
	// more than what keepEvery can lose, so that no number comes twice.
	keepGap = 10_000
)

// keptState is all that outlives the process: not presses that wait for an
// answer, nor faults, rates and the log.
type keptState struct {
	Version    int
	LastUpdate int64
	LastMsg    int
	LastAlbum  int64
	Files      int
	Queue      []keptUpdate
	Allowed    []string
	Commands   map[string][]Command
	Menus      map[int64]json.RawMessage
	Texts      map[string]string
	Chats      []keptChat
	Stored     []keptFile
}

type keptUpdate struct {
	ID   int64
	Kind string
	At   time.Time
	Body json.RawMessage
}

type keptChat struct {
	ID                       int64
	Title                    string // of a group
	Name, Username, Language string // of a person
	Started, Blocked         bool
	Keyboard                 [][]keyButton
	Messages                 []keptMessage
}

type keptMessage struct {
	Wire                   wireMessage
	ByBot, Deleted, Pinned bool
	File                   string
}

type keptFile struct {
	ID, Unique, Kind, Name, MIME, Path, Content string
	Width, Height                               int
}

// Keep loads what an earlier Keep has left in a folder and goes on writing
// there, within a second after each change and on Close; a killed process loses
// that second and nothing else. It is for a demonstration that is stopped and
// started again, not for load tests: the whole state is written each time, files
// once. Call it before the server is used. Failed is told of each writing that
// did not succeed; it will be tried again a second later.
func (s *Server) Keep(dir string, failed func(error)) error {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o700); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "chats.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		var kept keptState
		if err := json.Unmarshal(raw, &kept); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, "chats.json"), err)
		}
		if err := s.restore(dir, kept); err != nil {
			return err
		}
	}
	written := map[string]bool{}
	if err := s.save(dir, written); err != nil {
		return err
	}
	s.kept = make(chan struct{})
	go func() {
		defer close(s.kept)
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		var last int64
		for over := false; !over; {
			select {
			case <-tick.C:
			case <-s.done.Done():
				over = true
			}
			s.mu.Lock()
			now := s.revision
			s.mu.Unlock()
			if now == last {
				continue
			}
			if err := s.save(dir, written); err != nil {
				failed(err)
				continue
			}
			last = now
		}
	}()
	return nil
}

// save writes the state beside the old one and then in its place.
func (s *Server) save(dir string, written map[string]bool) error {
	s.mu.Lock()
	kept := s.keptState()
	contents := maps.Clone(s.files.contents)
	s.mu.Unlock()
	for key, data := range contents {
		if written[key] {
			continue
		}
		if err := replace(filepath.Join(dir, "files", key), data); err != nil {
			return err
		}
		written[key] = true
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, "chats.json"), raw)
}

func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// keptState copies what is to be written; the caller holds mu. Messages are
// copied one by one, since edits change them in place.
func (s *Server) keptState() keptState {
	kept := keptState{
		Version: keepVersion, LastUpdate: s.inbox.next, LastMsg: s.lastMsg, LastAlbum: s.lastAlbum, Files: s.files.count,
		Allowed: s.inbox.allowed, Commands: maps.Clone(s.commands), Menus: maps.Clone(s.menus), Texts: maps.Clone(s.texts),
	}
	for _, u := range s.inbox.queue {
		kept.Queue = append(kept.Queue, keptUpdate{u.id, u.kind, u.at, u.body})
	}
	add := func(c *chat) {
		k := keptChat{ID: c.id, Title: c.title, Started: c.started, Blocked: c.blocked, Keyboard: c.keyboard}
		if c.phone != nil {
			k.Name, k.Username, k.Language = c.phone.name, c.phone.username, c.phone.language
		}
		for _, m := range c.messages {
			one := keptMessage{Wire: m.wireMessage, ByBot: m.byBot, Deleted: m.deleted, Pinned: m.pinned}
			if m.file != nil {
				one.File = m.file.id
			}
			k.Messages = append(k.Messages, one)
		}
		kept.Chats = append(kept.Chats, k)
	}
	for _, p := range s.phones { // in the order of the page
		add(p.chat)
	}
	for _, id := range slices.Sorted(maps.Keys(s.chats)) {
		if c := s.chats[id]; c.group != nil {
			add(c)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.files.byID)) {
		f := s.files.byID[id]
		kept.Stored = append(kept.Stored, keptFile{
			ID: f.id, Unique: f.unique, Kind: f.kind, Name: f.name, MIME: f.mime, Path: f.path, Content: f.content, Width: f.width, Height: f.height,
		})
	}
	return kept
}

func (s *Server) restore(dir string, kept keptState) error {
	if kept.Version != keepVersion {
		return fmt.Errorf("%s holds chats of version %d, this program reads %d: remove the folder to start anew", dir, kept.Version, keepVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.next = max(s.inbox.next, kept.LastUpdate+keepGap)
	s.lastMsg = max(s.lastMsg, kept.LastMsg+keepGap)
	s.lastAlbum, s.files.count, s.inbox.allowed = kept.LastAlbum+keepGap, kept.Files+keepGap, kept.Allowed
	maps.Copy(s.commands, kept.Commands)
	maps.Copy(s.menus, kept.Menus)
	maps.Copy(s.texts, kept.Texts)
	for _, u := range kept.Queue {
		s.inbox.queue = append(s.inbox.queue, update{u.ID, u.Kind, u.At, u.Body})
	}
	for _, k := range kept.Stored {
		data, ok := s.files.contents[k.Content]
		if !ok {
			var err error
			if data, err = os.ReadFile(filepath.Join(dir, "files", filepath.Base(k.Content))); err != nil {
				return err
			}
			s.files.contents[k.Content] = data
		}
		f := &file{
			id: k.ID, unique: k.Unique, kind: k.Kind, name: k.Name, mime: k.MIME, path: k.Path, content: k.Content, data: data,
			width: k.Width, height: k.Height,
		}
		s.files.byID[f.id], s.files.byPath[f.path] = f, f
	}
	for _, k := range kept.Chats {
		c := &chat{id: k.ID, title: k.Title, started: k.Started, blocked: k.Blocked, keyboard: k.Keyboard}
		if k.ID < 0 {
			c.group = &Group{s: s, chat: c}
		} else {
			c.phone = &Phone{s: s, chat: c, id: k.ID, name: k.Name, username: k.Username, language: k.Language}
			s.phones = append(s.phones, c.phone)
		}
		s.chats[k.ID] = c
		for _, one := range k.Messages {
			m := &message{wireMessage: one.Wire, byBot: one.ByBot, deleted: one.Deleted, pinned: one.Pinned, file: s.files.byID[one.File]}
			if m.ReplyMarkup != nil {
				raw, err := json.Marshal(m.ReplyMarkup)
				if err != nil {
					return err
				}
				m.markup = string(raw)
			}
			c.messages = append(c.messages, m)
		}
	}
	return nil
}
