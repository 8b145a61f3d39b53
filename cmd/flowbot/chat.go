package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"flowbot/bot"
	"flowbot/bot/chat"
	"flowbot/bot/post"
	"flowbot/cron"
	"flowbot/service"
)

// chatFiles gives the service the files that people send in chat.
type chatFiles struct{ chat chat.Client }

// Fetch implements service.ChatFiles.
func (c chatFiles) Fetch(ctx context.Context, ref string, w io.Writer, most int64) (int64, error) {
	n, err := c.chat.Fetch(ctx, ref, w, most)
	switch {
	case errors.Is(err, chat.ErrTooBig):
		return n, &service.Error{
			Kind: service.Invalid, Reason: service.ReasonFileOverLimit, Err: err, Data: service.FileBound{Limit: most, Got: n},
		}
	case errors.Is(err, chat.ErrGone):
		return n, &service.Error{Kind: service.Invalid, Reason: service.ReasonFileGone, Err: err}
	}
	return n, err
}

// jobs are what the workers call.
func (i *installation) jobs() cron.Services {
	return cron.Services{
		Acts: i.acts, Journals: i.journals, Archives: i.archives, Imports: i.importing, Tasks: i.tasks, Upkeep: i.upkeep,
		Uploads: i.uploads, Protocols: i.protocols, Frdo: i.frdo, Certificates: i.certificates, Scans: i.scans, Candidates: i.candidates,
		Deliveries: i.deliveries, Batches: i.batches,
	}
}

// talker is what talks to the messenger.
type talker struct {
	bot    *bot.Bot
	client chat.Client
	alive  *liveness
	inbox  *post.Inbox
	sender *post.Sender
}

func (i *installation) talker(m *metrics, alive *liveness) (*talker, error) {
	t := &talker{client: watchedChat{i.chat, alive}, alive: alive, inbox: post.NewInbox(countedInbox{i.db, m}, i.log)}
	var err error
	t.bot, err = bot.New(t.client, bot.Services{
		People: i.people, Acts: i.acts, Journals: i.journals, Drafts: i.drafts,
		Queue: i.queue, Cards: i.cards, Archives: i.archives,
		Tasks: i.tasks, Imports: i.importing, Troubles: i.repairs,
		Exams: i.exams, Protocols: i.protocols, Centers: i.centers, Frdo: i.frdo, Certificates: i.certificates,
		Blanks: i.blanks, Scans: i.scans, Batches: i.batches, Questions: service.NewScanQuestions(i.batches),
		Candidates: i.candidates, Deliveries: i.deliveries, Uploads: i.uploads, Links: i.links,
		BotName: i.settings.BotName, PublicURL: i.settings.PublicURL,
	}, i.texts, i.log, time.Now)
	if err != nil {
		return nil, err
	}
	blocked := func(ctx context.Context, personID int64) error {
		return i.people.MarkUnreachable(ctx, personID, time.Now())
	}
	t.sender = post.NewSender(countedOutbox{i.db, m}, i.db, blocked, t.client, t.bot.Renderers(), time.Now, i.log)
	return t, nil
}

// startSender starts what empties the outbox.
func (s *server) startSender(ctx context.Context, t *talker) {
	s.run(ctx, "sender", func(ctx context.Context) error { t.sender.Run(ctx); return nil })
}

// startBot starts the workers of the inbox and then whatever fills it.
func (s *server) startBot(ctx context.Context, t *talker) {
	s.run(ctx, "inbox", func(ctx context.Context) error {
		t.inbox.Run(ctx, func(ctx context.Context, u service.Update) error {
			defer t.sender.Wake() // most deeds tell somebody
			return t.bot.Work(ctx, u)
		})
		return nil
	})
	s.run(ctx, "intake", func(ctx context.Context) error {
		if err := s.announce(ctx, t); err != nil || ctx.Err() != nil {
			return err
		}
		if s.i.settings.Mode == modeWebhook {
			<-ctx.Done()
			return nil
		}
		post.NewPoller(t.client, s.i.db, t.inbox.Wake, s.i.log).Run(ctx)
		return nil
	})
}

// announcePause is the pause before the Bot API is asked again at the start.
const announcePause = 5 * time.Second

// announce asks until the Bot API answers, and then makes the bot known to it.
// Only a token that it does not know is an error: without commands and the menu
// button everything works all the same.
func (s *server) announce(ctx context.Context, t *talker) error {
	for {
		err := known(ctx, t.client)
		if err == nil && s.i.settings.Mode == modeWebhook {
			if err = t.client.SetWebhook(ctx, s.i.settings.WebhookURL, s.i.settings.WebhookSecret); err == nil {
				t.alive.hooked.Store(true)
			}
		}
		if err == nil {
			err = t.bot.Announce(ctx)
			var refused *chat.RefusedError
			if errors.As(err, &refused) {
				s.i.log.WarnContext(ctx, "commands not set", "err", err)
				return nil
			}
		}
		if err == nil || errors.Is(err, errUnknownToken) {
			return err
		}
		if ctx.Err() == nil {
			s.i.log.WarnContext(ctx, "the Bot API does not answer, will be asked again", "err", err)
		}
		pause := time.NewTimer(announcePause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}

var errUnknownToken = errors.New("the Bot API does not know TELEGRAM_TOKEN")

// known asks the Bot API whether it knows the token. Telegram answers 401, or 404
// if the token is malformed, to every method alike; another server answers 404
// to a method that it lacks. So the one method that no bot does without has the
// last word. A refusal for any other reason comes of a known token.
func known(ctx context.Context, c chat.Client) error {
	_, err := c.Me(ctx)
	if !unknown(err) {
		return err
	}
	if _, err = c.Updates(ctx, 0, 0); unknown(err) {
		return errUnknownToken
	}
	if errors.Is(err, chat.ErrConflict) {
		return nil
	}
	return err
}

func unknown(err error) bool {
	var refused *chat.RefusedError
	return errors.As(err, &refused) && (refused.Code == http.StatusUnauthorized || refused.Code == http.StatusNotFound)
}
