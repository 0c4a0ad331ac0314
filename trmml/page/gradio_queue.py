"""What Gradio's queue holds for a visitor: it would keep unread answers of two thousand."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio

__all__ = ["GradioQueue"]


class GradioQueue:
    """Count a visitor's unread answers, and drop them; Gradio itself has no option for either.

    Args:
        page: To be served; its queue is made already.
    """

    def __init__(self, page: "gradio.Blocks") -> None:
        """Keep the page, and let its queue keep no list of who asked when."""
        self.page = page
        page._queue.ANALYTICS_MAX_EVENTS = 0

    def count(self, session: str) -> int:
        """Return how many questions have no answer yet that was read."""
        return len(self.page._queue.pending_event_ids_session.get(session, ()))

    async def forget(self, session: str) -> None:
        """Drop a session's questions, its answers and its photograph."""
        queue = self.page._queue
        await queue.clean_events(session_hash=session)
        queue.pending_event_ids_session.pop(session, None)
        queue.pending_messages_per_session.pop(session, None)
        self.page.state_holder.session_data.pop(session, None)
        self.page.state_holder.time_last_used.pop(session, None)
