package post

import (
	"context"
	"errors"

	"flowbot/bot/chat"
	"flowbot/service"
)

// Messages takes messages back out of chats. It implements service.ChatMessages.
type Messages struct{ Chat chat.Client }

var _ service.ChatMessages = Messages{}

// Withdraw implements service.ChatMessages.
func (m Messages) Withdraw(ctx context.Context, telegramID, messageID int64) (service.RecallState, error) {
	err := m.Chat.Withdraw(ctx, telegramID, int(messageID))
	var unknown *chat.UnknownOutcomeError
	var refused *chat.RefusedError
	switch {
	case err == nil:
		return service.RecallDone, nil
	case errors.As(err, &unknown):
		return service.RecallUnknown, nil
	case errors.Is(err, chat.ErrGone), errors.Is(err, chat.ErrBlocked), errors.As(err, &refused):
		return service.RecallFailed, nil
	}
	return service.RecallNone, err
}
