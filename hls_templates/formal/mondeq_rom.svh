  // The word of the last cycle's address; no word changes.  With parity: an error three cycles after a word with an even
  // number of ones is read, or has its turn, and else none; every word has its turn within Depth cycles without reading.
  (* anyconst *) logic [AddressBits-1:0] f_address;
  logic [StoredBits-1:0] f_word_q;
  logic f_old = 1'b0;
  logic f_asked_q;
  always_ff @(posedge clk_i) begin
    f_word_q <= memory[f_address];
    f_asked_q <= (read_i || !Parity) && address_i == f_address;
    f_old <= 1'b1;
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      read_only: assert (memory[f_address] == f_word_q);
      if (f_asked_q) is_word: assert (data_o == f_word_q[Width-1:0]);
      if (!Parity) no_error: assert (!error_o);
    end
  end
  if (Parity) begin : f_parity
    logic [AddressBits-1:0] f_place;
    logic [StoredBits-1:0] f_checked;
    logic [2:0] f_wrong_q;
    logic [31:0] f_turn_q, f_next;  // cycles since the word's turn or the reset, and the turn that follows from them
    assign f_place = read_i ? address_i : g_parity.scrub_address_q;
    assign f_checked = memory[f_place];
    assign f_next = 32'(f_address) + 1 + f_turn_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) f_turn_q <= '0;
      else if (!read_i) f_turn_q <= (g_parity.scrub_address_q == f_address) ? '0 : f_turn_q + 1;
      f_wrong_q <= rst_ni ? {f_wrong_q[1:0], 32'(f_place) < Depth && !(^f_checked)} : '0;
    end
    always_comb if (f_old) begin
      notices: assert (error_o == f_wrong_q[2]);
      in_range: assert (32'(g_parity.scrub_address_q) < Depth);
      if (32'(f_address) < Depth) begin
        has_its_turn: assert (f_turn_q < Depth);
        in_step: assert (32'(g_parity.scrub_address_q) == ((f_next < Depth) ? f_next : f_next - Depth)
            || (f_turn_q == 32'(g_parity.scrub_address_q) && f_turn_q <= 32'(f_address)));
      end
    end
  end
