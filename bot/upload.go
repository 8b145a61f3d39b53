package bot

import "flowbot/service"

func (b *Bot) uploadActions() []action { return nil }

// uploadTalks are the conversations of this subject.
func uploadTalks() []talk { return nil }

// uploadNotices are the notices of this subject.
func (b *Bot) uploadNotices() map[string]notice { return nil }

// uploadExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) uploadExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// uploadApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) uploadApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
