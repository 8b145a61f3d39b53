package main

import (
	"context"
	"errors"
	"fmt"
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
	return cron.Services{Acts: i.acts, Journals: i.journals, Archives: i.archives, Imports: i.importing, Tasks: i.tasks, Upkeep: i.upkeep}
}

// startChat starts what talks to the messenger: the sender, the workers of the
// inbox and, last, whatever fills it.
func (s *server) startChat(ctx context.Context, m *metrics, alive *liveness, inbox *post.Inbox, sends, answers bool) error {
	client := watchedChat{s.i.chat, alive}
	b, err := bot.New(client, bot.Services{
		People: s.i.people, Acts: s.i.acts, Journals: s.i.journals, Drafts: s.i.drafts,
		Queue: s.i.queue, Cards: s.i.cards, Archives: s.i.archives,
		Tasks: s.i.tasks, Imports: s.i.importing, BotName: s.i.settings.BotName,
	}, s.i.texts, s.i.log, time.Now)
	if err != nil {
		return err
	}
	if !answers {
		return nil
	}
	s.run(ctx, "inbox", func(ctx context.Context) error {
		inbox.Run(ctx, func(ctx context.Context, u service.Update) error {
			read, err := chat.Decode(u.Raw)
			if err != nil {
				return err
			}
			return b.Handle(ctx, read)
		})
		return nil
	})
	s.run(ctx, "intake", func(ctx context.Context) error {
		if err := s.announce(ctx, b, client, alive); err != nil || ctx.Err() != nil {
			return err
		}
		if s.i.settings.Mode == modeWebhook {
			<-ctx.Done()
			return nil
		}
		post.NewPoller(client, s.i.db, inbox.Wake, s.i.log).Run(ctx)
		return nil
	})
	return nil
}

// announcePause is the pause before the Bot API is asked again at the start.
const announcePause = 5 * time.Second

// announce makes the bot known to the messenger, tried until it answers. Only a
// token that it does not know is an error.
func (s *server) announce(ctx context.Context, b *bot.Bot, client chat.Client, alive *liveness) error {
	for {
		err := b.Announce(ctx)
		if err == nil && s.i.settings.Mode == modeWebhook {
			if err = client.SetWebhook(ctx, s.i.settings.WebhookURL, s.i.settings.WebhookSecret); err == nil {
				alive.hooked.Store(true)
			}
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		var refused *chat.RefusedError
		if errors.As(err, &refused) && (refused.Code == http.StatusUnauthorized || refused.Code == http.StatusNotFound) {
			return errors.New("the Bot API does not know TELEGRAM_TOKEN")
		}
		s.i.log.WarnContext(ctx, "the Bot API does not answer, will be asked again", "err", fmt.Sprint(err))
		pause := time.NewTimer(announcePause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}
