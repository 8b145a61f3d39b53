package post

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"flowbot/bot/chat"
	"flowbot/service"
)

const (
	// pollTimeout is how long one request waits for something to happen. Proxies
	// on the way often cut a silent connection after a minute.
	pollTimeout = 50 * time.Second
	// maxPollPause bounds the pause between requests that fail.
	maxPollPause = 30 * time.Second
	// maxWebhook bounds one update, in bytes; the largest are some tens of KiB.
	maxWebhook = 1 << 20
)

// secretHeader is where the Bot API puts the webhook's secret.
// Source: Bot API, setWebhook.secret_token.
const secretHeader = "X-Telegram-Bot-Api-Secret-Token" //nolint:gosec // a name, no secret

// Poller brings updates from the messenger into the inbox. An update is
// confirmed only after it is stored: a crash in between brings it again, and the
// inbox knows it by its number.
type Poller struct {
	chat   chat.Client
	inbox  service.Inbox
	wake   func()
	log    *slog.Logger
	offset int64 // the next update; 0 is the oldest that is not confirmed
}

// NewPoller returns a poller that calls wake whenever it has stored something.
func NewPoller(c chat.Client, inbox service.Inbox, wake func(), log *slog.Logger) *Poller {
	return &Poller{chat: c, inbox: inbox, wake: wake, log: log}
}

// Run polls until the context ends. Only one Run may poll for a bot.
func (p *Poller) Run(ctx context.Context) {
	fails := 0
	hooked := true
	for ctx.Err() == nil {
		var err error
		if hooked { // a webhook that still stands would refuse every poll
			err = p.chat.DeleteWebhook(ctx)
			// A server that knows no webhooks has none in the way; if one stands
			// after all, the poll itself says so.
			var refused *chat.RefusedError
			if errors.As(err, &refused) {
				err = nil
			}
			hooked = err != nil
		}
		if err == nil {
			_, err = p.Poll(ctx, pollTimeout)
		}
		switch {
		case err == nil:
			fails = 0
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, chat.ErrConflict):
			p.log.ErrorContext(ctx, "another program polls with this bot's token, or a webhook is set: stop it, or give this one a token of its own", "err", err)
			hooked = true
		default:
			p.log.WarnContext(ctx, "poll failed", "err", err)
		}
		pause := min(time.Second<<min(fails, 10), maxPollPause)
		var slow *chat.RateError
		if errors.As(err, &slow) {
			pause = max(pause, slow.After)
		}
		fails++
		if !rest(ctx, pause) {
			return
		}
	}
}

// Poll asks once, waiting up to timeout, stores what came and returns how many
// updates that were. Calls must come one after another.
func (p *Poller) Poll(ctx context.Context, timeout time.Duration) (int, error) {
	raws, err := p.chat.Updates(ctx, p.offset, timeout)
	if err != nil {
		return 0, err
	}
	if len(raws) == 0 {
		// All before the offset is confirmed now. Numbers may begin anew after a
		// quiet week, below the offset (Bot API, Update.update_id).
		p.offset = 0
		return 0, nil
	}
	us := make([]service.RawUpdate, 0, len(raws))
	for _, raw := range raws {
		u, err := readRaw(raw)
		if err != nil {
			p.log.ErrorContext(ctx, "an update without a number is left out", "err", err)
			continue
		}
		us = append(us, u)
	}
	if len(us) == 0 {
		return 0, errors.New("no update has a number")
	}
	if _, err := p.inbox.StoreUpdates(ctx, us); err != nil {
		return 0, fmt.Errorf("store updates: %w", err)
	}
	p.offset = us[len(us)-1].ID + 1
	p.wake()
	return len(us), nil
}

// Webhook takes updates that the messenger brings. It answers 200 only after
// the update is stored.
type Webhook struct {
	secret [sha256.Size]byte
	inbox  service.Inbox
	wake   func()
	log    *slog.Logger
}

// NewWebhook returns the handler of the webhook's address. Secret must not be
// empty: without it everybody could speak for the messenger.
func NewWebhook(secret string, inbox service.Inbox, wake func(), log *slog.Logger) (*Webhook, error) {
	if secret == "" {
		return nil, errors.New("a webhook needs a secret")
	}
	return &Webhook{sha256.Sum256([]byte(secret)), inbox, wake, log}, nil
}

// ServeHTTP implements http.Handler.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := sha256.Sum256([]byte(r.Header.Get(secretHeader)))
	if subtle.ConstantTimeCompare(given[:], h.secret[:]) != 1 || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		http.Error(w, http.StatusText(http.StatusRequestEntityTooLarge), http.StatusRequestEntityTooLarge)
		return
	}
	u, err := readRaw(raw)
	if err != nil {
		// Refusing it would bring it again for a day, and hold up the others.
		h.log.ErrorContext(r.Context(), "an update that cannot be read is left out", "err", err)
		return
	}
	if _, err := h.inbox.StoreUpdates(r.Context(), []service.RawUpdate{u}); err != nil {
		h.log.ErrorContext(r.Context(), "store update", "update", u.ID, "err", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	h.wake()
}

// readRaw finds an update's number and chat and looks at nothing else, so that
// what the bot cannot read today is stored all the same.
func readRaw(raw json.RawMessage) (service.RawUpdate, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return service.RawUpdate{}, fmt.Errorf("read update: %w", err)
	}
	u := service.RawUpdate{Raw: raw}
	if err := json.Unmarshal(fields["update_id"], &u.ID); err != nil {
		return service.RawUpdate{}, fmt.Errorf("read update_id: %w", err)
	}
	type id struct {
		ID int64 `json:"id"`
	}
	for name, field := range fields {
		if name == "update_id" {
			continue
		}
		var f struct {
			Chat    id `json:"chat"`
			From    id `json:"from"`
			User    id `json:"user"`
			Message struct {
				Chat id `json:"chat"`
			} `json:"message"`
		}
		// A field of another type leaves the others readable.
		var kind *json.UnmarshalTypeError
		if err := json.Unmarshal(field, &f); err != nil && !errors.As(err, &kind) {
			continue
		}
		for _, chat := range []id{f.Chat, f.Message.Chat, f.From, f.User} {
			if chat.ID != 0 {
				u.ChatID = chat.ID
				return u, nil
			}
		}
	}
	return u, nil
}

// rest pauses and reports whether the context still stands.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
