package bot

import (
	"context"

	"flowbot/service"
)

// batchCancelAskPressed asks whether a batch is to be cancelled. The card of
// progress is renewed where it stands, so the question comes under it.
func (b *Bot) batchCancelAskPressed(ctx context.Context, t *Turn) (Reply, error) {
	id := t.Press.ID
	if id == 0 {
		going, err := b.Batches.Sending(ctx, t.By)
		if err != nil {
			return Reply{}, err
		}
		if going == nil {
			return Reply{Text: "scans_cancel_none", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
		}
		id = going.ID
	}
	if err := b.Batches.Cancellable(ctx, t.By, id); err != nil {
		return Reply{}, err
	}
	v, err := b.Batches.Batch(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Text: "scans_cancel_ask", Data: v, Edit: v.Batch.State != service.BatchOpen, Rows: [][]Button{row(
		Button{Press: Press{Do: pressBatchCancel, ID: id}}, Button{Label: "back", Press: Press{Do: pressBatchAsk, ID: id}},
	)}}, nil
}

// batchCancelPressed cancels a batch.
func (b *Bot) batchCancelPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.batchCancelAskPressed(ctx, t)
	}
	_, err := b.Batches.Cancel(ctx, t.By, t.Press.ID)
	if err != nil && !t.Again {
		return Reply{}, err
	}
	v, verr := b.Batches.Batch(ctx, t.By, t.Press.ID)
	switch {
	case err != nil && (verr != nil || v.Cancelled == nil): // else it was cancelled by this very press
		return Reply{}, err
	case verr != nil:
		return Reply{}, verr
	}
	r := cancelledReply(v, t.By)
	r.Edit = true
	return r, nil
}

// cancelledReply tells that a batch was cancelled.
func cancelledReply(v *service.BatchView, to service.Actor) Reply {
	return Reply{Text: "scans_cancelled", Data: progressView{v, to.Zone}, Rows: batchFoot(v)}
}
