/** What came is no answer, or not the one that was wanted; its message is what an operator reads. */
export class AnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AnswerError";
  }
}
