/** Clients by address, made when they are first asked for. A container that was restarted has another address, hence another client. */
export class Clients<Client extends { close(): void }> {
  readonly #create: (address: string) => Client;
  readonly #known = new Map<string, Client>();

  constructor(create: (address: string) => Client) {
    this.#create = create;
  }

  at(address: string): Client {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const made = this.#create(address);
    this.#known.set(address, made);
    return made;
  }

  close(): void {
    for (const client of this.#known.values()) client.close();
    this.#known.clear();
  }
}
