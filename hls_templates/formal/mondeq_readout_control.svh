  // Rows in flight, in the buffer and on their way back as credits are BufferRows at all times: no row is written to a
  // full buffer, however long the stream stalls.  The product answers Depth - 1 cycles after a row's last command left.
  localparam int FLate = Depth - 1;
  (* hierconn *) logic [$clog2(BufferRows+1)-1:0] \u_room.credits_q ;
  (* hierconn *) logic [$clog2(BufferRows+1)-1:0] \u_buffer.count_q ;
  logic f_old = 1'b0;
  logic [FLate-1:0] f_flying_q;
  logic [31:0] f_flying, f_credits, f_count;
  logic f_left_q;
  assign f_left_q = issue_o && last_column_o;
  assign f_credits = 32'(\u_room.credits_q );
  assign f_count = 32'(\u_buffer.count_q );
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_flying_q <= rst_ni ? FLate'({f_flying_q, f_left_q}) : '0;
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    assume (write_i == f_flying_q[FLate-1]);
    contradiction: assert (error_o == (room_error || buffer_error || 32'(slot_q) >= Slots));
    f_flying = '0;
    for (int i = 0; i < FLate; i++) f_flying = f_flying + 32'(f_flying_q[i]);
    if (f_old) begin
      rows: assert (f_credits + f_count + f_flying + 32'(f_left_q) + 32'(leaves_q) + 32'(column_o != '0) == BufferRows);
      no_overrun: assert (!(write_i && f_count == BufferRows));
      in_range: assert (f_credits <= BufferRows && f_count <= BufferRows);
      slots: assert (32'(slot_q) < Slots);
      flags: assert (first_column == (column_o == '0) && last_column == (32'(column_o) == ColumnGroups - 1)
          && last_row == (32'(row) == Rows - 1));
      counters: assert (32'(column_o) < ColumnGroups && 32'(row) < Rows);
    end
  end
  // A slot is given back with its last command, once, and the next is the next number.
  logic [SlotBits-1:0] f_slot_q;
  logic f_released_q, f_reset_q;
  always_ff @(posedge clk_i) begin
    f_slot_q <= slot_o;
    f_released_q <= release_o;
    f_reset_q <= !rst_ni;
  end
  always_comb if (f_old) begin
    finished: assert (!release_o || (done_i[slot_q] && row == RowBits'(Rows - 1) && column_o == ColumnBits'(ColumnGroups - 1)));
    if (!f_reset_q) in_turn: assert (32'(slot_o) == (f_released_q ? (32'(f_slot_q) == Slots - 1 ? 0 : 32'(f_slot_q) + 1) : 32'(f_slot_q)));
  end
  // Back to idle: some cycles after the last command, if the stream is ready, nothing is left anywhere.
  localparam int FEmpty = FLate + 1;
  logic [31:0] f_quiet_q;
  logic f_flies_late;
  always_ff @(posedge clk_i) f_quiet_q <= (!rst_ni || issue || !ready_i) ? 0 : (f_quiet_q < 1000) ? f_quiet_q + 1 : f_quiet_q;
  always_comb begin
    f_flies_late = f_quiet_q > 0 && f_left_q;
    for (int i = 0; i < FLate; i++) f_flies_late = f_flies_late || (f_quiet_q > i + 1 && f_flying_q[i]);
    if (f_old) begin
      lands: assert (!f_flies_late);
      if (f_quiet_q >= FEmpty) empties: assert (f_count == 0 || f_count + f_quiet_q <= BufferRows + FEmpty);
      if (f_quiet_q >= FEmpty + BufferRows + 2) idle: assert (!valid_o && f_credits + 32'(column_o != '0) == BufferRows);
    end
  end
