  // Any one word that is written and committed comes out once, in its place; one that is forgotten never does.
  logic f_old = 1'b0;
  (* anyseq *) logic f_mark;
  logic f_on_q, f_shown_q;            // a word is followed, and stands at the output
  logic [CountBits-1:0] f_place_q;    // its number
  logic [Width-1:0] f_word_q;
  logic [31:0] f_stored, f_committed, f_open;
  assign f_stored = 32'(CountBits'(write_q - read_q));
  assign f_committed = 32'(CountBits'(commit_q - read_q));
  assign f_open = 32'(CountBits'(write_q - commit_q));
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_on_q <= 1'b0;
      f_shown_q <= 1'b0;
    end else if (f_on_q) begin
      if (rewind_i && CountBits'(f_place_q - read_q) >= CountBits'(f_committed)) f_on_q <= f_shown_q;
      if (fetch && read_q == f_place_q && !f_shown_q) f_shown_q <= 1'b1;
      if (f_shown_q && ready_i) begin
        f_on_q <= 1'b0;
        f_shown_q <= 1'b0;
      end
    end else if (write_i && f_mark) begin
      f_on_q <= 1'b1;
      f_shown_q <= 1'b0;
      f_place_q <= write_q;
      f_word_q <= data_i;
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    // The writer's part: a packet begins where there is room for one, and has no more words than one.
    if (write_i) assume (f_open < PacketWords && (f_open != 0 || room_o));
    assume (32'(rewind_i) + 32'(write_i) + 32'(commit_i) <= 1);
    if (f_old) begin
      no_overrun: assert (f_stored <= Depth && f_committed <= f_stored);
      open_packet: assert (f_open == 0 || f_committed + PacketWords <= Depth);
      packet: assert (f_open <= PacketWords);
      if (f_on_q && !f_shown_q) begin
        kept: assert (32'(CountBits'(f_place_q - read_q)) < f_stored);
        stored: assert (memory[f_place_q[AddressBits-1:0]] == f_word_q);
      end
      if (f_on_q && f_shown_q) order: assert (valid_o && data_o == f_word_q);
    end
  end
  logic f_stalled_q, f_taken_q, f_forgotten_q;
  logic [31:0] f_committed_q;
  logic [Width-1:0] f_offered_q;
  always_ff @(posedge clk_i) begin
    f_stalled_q <= rst_ni && valid_o && !ready_i;
    f_offered_q <= data_o;
    f_taken_q <= rst_ni && ready_i;
    f_forgotten_q <= rewind_i;
    f_committed_q <= f_committed;
  end
  always_comb if (f_old) begin
    if (f_stalled_q) valid_stays: assert (valid_o);
    if (f_stalled_q) data_stays: assert (data_o == f_offered_q);
    if (f_forgotten_q) forgotten: assert (f_open == 0);
    // One goes out in every cycle that is ready.
    if (f_taken_q) drains: assert (valid_o == (f_committed_q != 0));
  end
